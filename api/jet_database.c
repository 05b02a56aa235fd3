/* Databases: created, attached, opened; and facts about them. */
#include <stdlib.h>

#include "api/handles.h"
#include "engine/space.h"

#define CREATE_GRBITS JET_bitDbOverwriteExisting
#define ATTACH_GRBITS                                                                                                  \
    (JET_bitDbReadOnly | JET_bitDbUpgrade | JET_bitDbEnableBackgroundMaintenance | JET_bitDbPurgeCacheOnAttach)
#define OPEN_GRBITS (JET_bitDbReadOnly | JET_bitDbExclusive)

static JET_ERR absolute(const char *given, char out[OS_PATH_MAX]) {
    if (!given || !*given)
        return RAISE(JET_errDatabaseInvalidPath);
    JET_ERR err = os_path_absolute(out, given);
    return err == JET_errInvalidPath ? RAISE(JET_errDatabaseInvalidPath) : err;
}

/* Why opening was refused. What follows can change at any moment: it chooses the name of the error, no more. */
static JET_ERR explain_denied(JET_ERR err, const char *path) {
    struct os_file *file = NULL;
    if (err != JET_errFileAccessDenied)
        return err;
    if (os_open(path, OS_WRITE, &file) >= JET_errSuccess)
        err = JET_errDatabaseSharingViolation; /* it is the lock */
    else if (os_open(path, OS_READ, &file) >= JET_errSuccess)
        err = JET_errDatabaseFileReadOnly;
    os_close(file);
    return RAISE(err);
}

/* Attached under this path; inst->mutex held. */
static struct db *find_db(struct inst *inst, const char *path) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (inst->dbs[id] && strcmp(inst->dbs[id]->path, path) == 0)
            return inst->dbs[id];
    return NULL;
}

static bool one_database_only(struct api_session *session, const struct db *db) {
    if (!params_int(&session->owner->params, JET_paramOneDatabasePerSession))
        return false;
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (session->dbs[id].opens && (!db || id != db->dbid))
            return true;
    return false;
}

/* A session that is not in a transaction, and the instance's mutex: what attach, create and detach begin with. */
static JET_ERR enter_for_change(JET_SESID sesid, unsigned flags, struct api_session **session) {
    JET_ERR err = api_enter_session(sesid, flags, session);
    if (err < JET_errSuccess)
        return err;
    if (session_level((*session)->session) > 0) {
        api_leave_session(*session);
        return RAISE(JET_errInTransaction);
    }
    struct inst *inst = (*session)->owner->inst;
    os_mutex_lock(&inst->mutex);
    if (inst->backup_running) {
        os_mutex_unlock(&inst->mutex);
        api_leave_session(*session);
        return RAISE(JET_errBackupInProgress);
    }
    return JET_errSuccess;
}

static void leave_after_change(struct api_session *session) {
    os_mutex_unlock(&session->owner->inst->mutex);
    api_leave_session(session);
}

static void count_open(struct api_session *session, struct db *db, JET_GRBIT grbit) {
    const bool exclusive = grbit & JET_bitDbExclusive;
    db->open_count++;
    db->exclusive |= exclusive;
    session->dbs[db->dbid].opens++;
    session->dbs[db->dbid].exclusive |= exclusive;
    session->dbs[db->dbid].writes |= !(grbit & JET_bitDbReadOnly);
}

JET_ERR JetCreateDatabase2(JET_SESID sesid, const char *szFilename, const uint32_t cpgDatabaseSizeMax, JET_DBID *pdbid,
                           JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    char path[OS_PATH_MAX], parent[OS_PATH_MAX];
    struct db *db = NULL;

    if (!pdbid)
        return RAISE(JET_errInvalidParameter);
    if (grbit & ~(JET_GRBIT)CREATE_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    if (cpgDatabaseSizeMax > 0x7ffffffe)
        return RAISE(JET_errDatabaseInvalidPages);
    err = absolute(szFilename, path);
    if (err < JET_errSuccess)
        return err;
    err = enter_for_change(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    struct inst *inst = session->owner->inst;
    if (one_database_only(session, NULL))
        FAIL(JET_errOneDatabasePerSession);
    if (find_db(inst, path))
        FAIL(JET_errDatabaseDuplicate);
    if (inst->config.create_paths) {
        CALL(os_path_parent(parent, path));
        CALL(os_make_dirs(parent));
    }
    struct db_create_options options = {.overwrite = grbit & JET_bitDbOverwriteExisting};
    CALL(explain_denied(db_create(inst, path, &options, &db), path));
    db->pages_max = cpgDatabaseSizeMax;
    count_open(session, db, 0);
    *pdbid = db->dbid;
cleanup:
    leave_after_change(session);
    return err;
}

JET_ERR JetCreateDatabase(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR szConnect, JET_DBID *pdbid,
                          JET_GRBIT grbit) {
    (void)szConnect;
    return JetCreateDatabase2(sesid, szFilename, 0, pdbid, grbit);
}

JET_ERR JetAttachDatabase2(JET_SESID sesid, const char *szFilename, const uint32_t cpgDatabaseSizeMax,
                           JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    char path[OS_PATH_MAX];
    struct db *db = NULL;

    if (grbit & ~(JET_GRBIT)ATTACH_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    if (cpgDatabaseSizeMax > 0x7ffffffe)
        return RAISE(JET_errDatabaseInvalidPages);
    err = absolute(szFilename, path);
    if (err < JET_errSuccess)
        return err;
    err = enter_for_change(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    struct inst *inst = session->owner->inst;
    if (find_db(inst, path)) {
        err = JET_wrnDatabaseAttached;
        goto cleanup;
    }
    err = explain_denied(db_attach(inst, path, grbit & JET_bitDbReadOnly, &db), path);
    if (err == JET_errDatabaseNotFound)
        err = JET_errFileNotFound;
    CALL(err);
    db->pages_max = cpgDatabaseSizeMax;
cleanup:
    leave_after_change(session);
    return err;
}

JET_ERR JetAttachDatabase(JET_SESID sesid, const char *szFilename, JET_GRBIT grbit) {
    return JetAttachDatabase2(sesid, szFilename, 0, grbit);
}

JET_ERR JetOpenDatabase(JET_SESID sesid, const char *szFilename, const char *szConnect, JET_DBID *pdbid,
                        JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    char path[OS_PATH_MAX];

    (void)szConnect;
    if (!pdbid)
        return RAISE(JET_errInvalidParameter);
    if (grbit & ~(JET_GRBIT)OPEN_GRBITS)
        return RAISE(JET_errInvalidGrbit);
    err = absolute(szFilename, path);
    if (err < JET_errSuccess)
        return err;
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    struct inst *inst = session->owner->inst;
    os_mutex_lock(&inst->mutex);
    struct db *db = find_db(inst, path);
    if (!db)
        FAIL(JET_errDatabaseNotFound);
    if (one_database_only(session, db))
        FAIL(JET_errOneDatabasePerSession);
    if (db->exclusive && !session->dbs[db->dbid].exclusive)
        FAIL(JET_errDatabaseLocked);
    if ((grbit & JET_bitDbExclusive) && db->open_count > session->dbs[db->dbid].opens)
        FAIL(JET_errDatabaseInUse);
    count_open(session, db, grbit);
    *pdbid = db->dbid;
    if (db->read_only && !(grbit & JET_bitDbReadOnly))
        err = JET_wrnFileOpenReadOnly;
cleanup:
    os_mutex_unlock(&inst->mutex);
    api_leave_session(session);
    return err;
}

JET_ERR JetCloseDatabase(JET_SESID sesid, JET_DBID dbid, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct db *db;

    if (grbit)
        return RAISE(JET_errInvalidGrbit);
    err = api_enter_session(sesid, ENTER_ENDING, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    if (session->dbs[dbid].opens == 1)
        for (struct api_table *t = session->tables, *next; t; t = next) {
            next = t->next;
            if (t->dbid == dbid)
                api_table_close(t);
        }
    struct inst *inst = session->owner->inst;
    os_mutex_lock(&inst->mutex);
    db->open_count--;
    if (--session->dbs[dbid].opens == 0) {
        if (session->dbs[dbid].exclusive)
            db->exclusive = false;
        session->dbs[dbid].exclusive = session->dbs[dbid].writes = false;
    }
    os_mutex_unlock(&inst->mutex);
cleanup:
    api_leave_session(session);
    return err;
}

JET_ERR JetDetachDatabase2(JET_SESID sesid, const char *szFilename, JET_GRBIT grbit) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    char path[OS_PATH_MAX] = "";

    if (grbit & ~(JET_GRBIT)JET_bitForceCloseAndDetach)
        return RAISE(JET_errInvalidGrbit);
    if (grbit)
        return RAISE(JET_errForceDetachNotAllowed);
    if (szFilename && *szFilename)
        err = absolute(szFilename, path);
    if (err < JET_errSuccess)
        return err;
    err = enter_for_change(sesid, ENTER_ENDING, &session);
    if (err < JET_errSuccess)
        return err;
    struct inst *inst = session->owner->inst;
    if (*path && !find_db(inst, path))
        FAIL(JET_errDatabaseNotFound);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = inst->dbs[id];
        if (!db || (*path && strcmp(db->path, path) != 0))
            continue;
        if (db->open_count)
            FAIL(JET_errDatabaseInUse);
        CALL(db_detach(db));
    }
cleanup:
    leave_after_change(session);
    return err;
}

JET_ERR JetDetachDatabase(JET_SESID sesid, const char *szFilename) {
    return JetDetachDatabase2(sesid, szFilename, 0);
}

/* ---- facts ---- */

static const size_t misc_sizes[] = {sizeof(JET_DBINFOMISC7), sizeof(JET_DBINFOMISC6), sizeof(JET_DBINFOMISC5),
                                    sizeof(JET_DBINFOMISC4), sizeof(JET_DBINFOMISC3), sizeof(JET_DBINFOMISC2),
                                    sizeof(JET_DBINFOMISC)};

static JET_ERR put_misc(const struct dbheader *header, void *out, uint32_t out_bytes) {
    for (unsigned i = 0; i < sizeof misc_sizes / sizeof *misc_sizes; i++)
        if (out_bytes >= misc_sizes[i]) {
            dbheader_misc(header, out, misc_sizes[i]);
            return JET_errSuccess;
        }
    return RAISE(JET_errBufferTooSmall);
}

static JET_ERR put_u32(uint32_t value, void *out, uint32_t out_bytes) {
    if (out_bytes != sizeof value)
        return RAISE(JET_errInvalidBufferSize);
    memcpy(out, &value, sizeof value);
    return JET_errSuccess;
}

static JET_ERR put_u64(uint64_t value, void *out, uint32_t out_bytes) {
    if (out_bytes != sizeof value)
        return RAISE(JET_errInvalidBufferSize);
    memcpy(out, &value, sizeof value);
    return JET_errSuccess;
}

static void add_available(void *context, pgno_t first, uint32_t count, bool available) {
    (void)first;
    *(uint32_t *)context += available ? count : 0;
}

static JET_ERR put_available(struct db *db, void *out, uint32_t out_bytes) {
    uint32_t available = 0;
    JET_ERR err = space_extents(&db->root, add_available, NULL, &available);
    return err < JET_errSuccess ? err : put_u32(available, out, out_bytes);
}

static JET_ERR put_db_info(struct api_session *session, struct db *db, void *out, uint32_t out_bytes, uint32_t level) {
    JET_ERR err;
    switch (level) {
    case JET_DbInfoFilename:
        if (strlen(db->path) >= out_bytes)
            return RAISE(JET_errBufferTooSmall);
        memcpy(out, db->path, strlen(db->path) + 1);
        return JET_errSuccess;
    case JET_DbInfoMisc:
        os_mutex_lock(&db->header_mutex);
        err = put_misc(db->header, out, out_bytes);
        os_mutex_unlock(&db->header_mutex);
        return err;
    case JET_DbInfoSpaceAvailable:
        return put_available(db, out, out_bytes);
    case JET_DbInfoLCID:
        return put_u32(0x0409, out, out_bytes);
    case JET_DbInfoCountry:
        return put_u32(1, out, out_bytes);
    case JET_DbInfoCp:
        return put_u32(1252, out, out_bytes);
    case JET_DbInfoCollate:
        return put_u32(0, out, out_bytes);
    case JET_DbInfoOptions:
        return put_u32(session->dbs[db->dbid].exclusive ? JET_bitDbExclusive : 0, out, out_bytes);
    case JET_DbInfoTransactions:
        return put_u32(TRX_LEVEL_MAX, out, out_bytes);
    case JET_DbInfoVersion:
        return put_u32(DB_VERSION, out, out_bytes);
    case JET_DbInfoFilesize:
    case JET_DbInfoFilesizeOnDisk:
        return put_u32(atomic_load(&db->file_pages) + 2, out, out_bytes);
    case JET_DbInfoSpaceOwned:
        return put_u32(atomic_load(&db->page_count), out, out_bytes);
    case JET_DbInfoPageSize:
        return put_u32(db->page_size, out, out_bytes);
    case JET_DbInfoIsam:
        return RAISE(JET_errFeatureNotAvailable);
    default:
        return RAISE(JET_errInvalidParameter);
    }
}

JET_ERR JetGetDatabaseInfo(JET_SESID sesid, JET_DBID dbid, void *pvResult, uint32_t cbMax, uint32_t InfoLevel) {
    JET_ERR err = JET_errSuccess;
    struct api_session *session = NULL;
    struct db *db;

    if (!pvResult)
        return RAISE(JET_errInvalidParameter);
    err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    CALL(api_db(session, dbid, &db));
    CALL(put_db_info(session, db, pvResult, cbMax, InfoLevel));
cleanup:
    api_leave_session(session);
    return err;
}

/* Somebody has it open for writing: then a shared lock is refused. */
static JET_ERR put_in_use(const char *path, void *out, uint32_t out_bytes) {
    struct os_file *file = NULL;
    JET_ERR err = os_open(path, OS_READ | OS_LOCK, &file);
    os_close(file);
    if (err < JET_errSuccess && err != JET_errFileAccessDenied)
        return err;
    return put_u32(err == JET_errFileAccessDenied, out, out_bytes);
}

/* The file type stands at the same place in databases, log files and checkpoints. */
static JET_ERR put_file_type(struct os_file *file, uint64_t bytes, void *out, uint32_t out_bytes) {
    uint8_t head[668];
    if (bytes < sizeof head)
        return put_u32(JET_filetypeUnknown, out, out_bytes);
    JET_ERR err = os_read(file, 0, head, sizeof head);
    return err < JET_errSuccess
               ? err
               : put_u32(head[667] <= JET_filetypeFlushMap ? head[667] : JET_filetypeUnknown, out, out_bytes);
}

JET_ERR JetGetDatabaseFileInfo(const char *szDatabaseName, void *pvResult, uint32_t cbMax, uint32_t InfoLevel) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    struct dbheader *header = NULL;
    char path[OS_PATH_MAX];
    uint64_t bytes;

    if (!pvResult)
        return RAISE(JET_errInvalidParameter);
    CALL(absolute(szDatabaseName, path));
    CALL(os_open(path, OS_READ, &file));
    CALL(os_size(file, &bytes));
    switch (InfoLevel) {
    case JET_DbInfoFilesize:
    case JET_DbInfoFilesizeOnDisk:
        CALL(put_u64(bytes, pvResult, cbMax));
        break;
    case JET_DbInfoDBInUse:
        CALL(put_in_use(path, pvResult, cbMax));
        break;
    case JET_DbInfoFileType:
        CALL(put_file_type(file, bytes, pvResult, cbMax));
        break;
    case JET_DbInfoPageSize:
    case JET_DbInfoMisc:
        header = calloc(1, PAGE_SIZE_MAX);
        if (!header)
            FAIL(JET_errOutOfMemory);
        CALL(dbheader_read(file, header, NULL));
        CALL(InfoLevel == JET_DbInfoMisc ? put_misc(header, pvResult, cbMax)
                                         : put_u32(le32(header->page_size), pvResult, cbMax));
        break;
    default:
        FAIL(JET_errInvalidParameter);
    }
cleanup:
    os_close(file);
    free(header);
    return err;
}
