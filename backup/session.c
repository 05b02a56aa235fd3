/* The order of a backup: what may follow what, which log files belong to it, what is stamped and truncated. */
#include "backup/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "backup/session_priv.h"
#include "base/breaks.h"
#include "base/clock.h"

/* ---- the table: what a call gives in each state ---- */

#define SEQUENCE JET_errInvalidBackupSequence
/* clang-format off */
static const JET_ERR transitions[BACKUP_CALLS][BACKUP_STATES] = {
    /*                        DATABASES                DATABASE_OPEN       BEFORE_LOGS              LOGS                     LOG_OPEN */
    [CALL_LIST_DATABASES] = {JET_errSuccess,          JET_errSuccess,     SEQUENCE,                JET_errSuccess,          JET_errSuccess},
    [CALL_OPEN_DATABASE]  = {JET_errSuccess,          JET_errOutOfMemory, SEQUENCE,                SEQUENCE,                JET_errOutOfMemory},
    [CALL_OPEN_LOG]       = {JET_errDatabaseNotFound, JET_errOutOfMemory, SEQUENCE,                JET_errSuccess,          JET_errOutOfMemory},
    [CALL_READ]           = {JET_errInvalidParameter, JET_errSuccess,     JET_errInvalidParameter, JET_errInvalidParameter, JET_errSuccess},
    [CALL_CLOSE]          = {JET_errInvalidParameter, JET_errSuccess,     JET_errInvalidParameter, JET_errInvalidParameter, JET_errSuccess},
    [CALL_LIST_LOGS]      = {JET_errSuccess,          SEQUENCE,           JET_errSuccess,          JET_errSuccess,          SEQUENCE},
    [CALL_TRUNCATE]       = {SEQUENCE,                SEQUENCE,           SEQUENCE,                JET_errSuccess,          SEQUENCE},
};
/* clang-format on */

bool backup_stopped(const struct backup *s) {
    return atomic_load(&s->inst->backup_stops) != s->stops;
}

JET_ERR backup_may(const struct backup *s, enum backup_call call) {
    if (call != CALL_CLOSE && backup_stopped(s))
        return RAISE(JET_errBackupAbortByServer);
    JET_ERR err = transitions[call][s->state];
    return err < JET_errSuccess ? RAISE(err) : err;
}

/* ---- begin ---- */

static JET_ERR check_full_exists(struct inst *inst) {
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = inst->dbs[id];
        if (!backup_covers(db) || le32(db->header->full_prev.gen_low) != 0)
            continue;
        event_write(&inst->events, EVENT_MISS_FULL_BACKUP, EVENT_ERROR,
                    "database %s has had no full backup: an incremental one is refused", db->path);
        return RAISE(JET_errMissingFullBackup);
    }
    return JET_errSuccess;
}

static JET_ERR log_backup(struct inst *inst, uint8_t phase, enum backup_stamp kind, uint8_t dbid,
                          const struct disk_bkinfo *info, lgpos_t *begin) {
    JET_ERR err = JET_errSuccess;
    uint8_t record[28] = {phase, (uint8_t)kind, dbid};
    lgpos_t end;

    memcpy(record + 4, info, 24);
    struct log_part part = {record, sizeof record};
    CALL(log_append(inst->log, LOGREC_BACKUP, &part, 1, begin, &end));
    CALL(log_flush(inst->log, end));
cleanup:
    return err;
}

/* Takes the instance for this backup; from here on attach and detach are refused. */
static JET_ERR claim(struct backup *s) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = s->inst;

    os_mutex_lock(&inst->mutex);
    if (inst->backup_refused)
        FAIL(JET_errTermInProgress);
    if (inst->backup_running)
        FAIL(JET_errBackupInProgress);
    if (backup_stopped(s))
        FAIL(JET_errBackupAbortByServer);
    CALL(inst_usable(inst));
    if (s->kind == BACKUP_INCREMENTAL) {
        if (inst->config.circular)
            FAIL(JET_errInvalidBackup);
        CALL(check_full_exists(inst));
    }
    inst->backup_running = true;
    inst->backup = s;
    s->low = lgpos_gen(atomic_load(&inst->checkpoint));
    atomic_store(&inst->backup_gen_low, s->low);
cleanup:
    os_mutex_unlock(&inst->mutex);
    return err;
}

JET_ERR backup_begin(struct inst *inst, enum backup_kind kind, uint32_t stops, bool external, const char *where,
                     struct backup **out) {
    JET_ERR err = JET_errSuccess;
    const bool full = kind == BACKUP_FULL;
    struct backup *s = calloc(1, sizeof *s);
    lgpos_t mark;
    bool claimed = false;

    if (!s)
        FAIL(JET_errOutOfMemory);
    s->inst = inst;
    s->kind = kind;
    s->stops = stops;
    s->external = external;
    snprintf(s->where, sizeof s->where, "%s", where && *where ? where : "nowhere (truncation)");
    s->state = full ? DATABASES : kind == BACKUP_INCREMENTAL ? BEFORE_LOGS : LOGS;
    CALL(claim(s));
    claimed = true;
    if (kind != BACKUP_TRUNCATE) {
        JET_LOGTIME now = clock_logtime();
        disk_logtime_store(&s->info.time, &now);
        s->info.gen_low = to_le32(s->low);
        event_write(&inst->events, full ? EVENT_START_FULL_BACKUP : EVENT_START_INCREMENTAL_BACKUP, EVENT_INFO,
                    "%s backup to %s begins", full ? "full" : "incremental", s->where);
        CALL(log_backup(inst, 1, full ? STAMP_FULL : STAMP_INCREMENTAL, 0, &s->info, &mark));
        disk_lgpos_store(&s->info.mark, mark);
    }
    *out = s;
    return JET_errSuccess;
cleanup:
    if (claimed)
        backup_end(s, err);
    else
        free(s);
    return err;
}

JET_ERR backup_external(struct inst *inst, struct backup **out) {
    os_mutex_lock(&inst->mutex);
    *out = inst->backup && inst->backup->external ? inst->backup : NULL;
    os_mutex_unlock(&inst->mutex);
    return *out ? JET_errSuccess : RAISE(JET_errNoBackup);
}

JET_LOGTIME backup_time(const struct backup *s) {
    return disk_logtime_load(&s->info.time);
}

/* ---- lists ---- */

static JET_ERR add(struct multi_string *list, const char *string) {
    size_t bytes = strlen(string) + 1;
    char *grown = realloc(list->text, list->bytes + bytes + 1);
    if (!grown)
        return RAISE(JET_errOutOfMemory);
    list->text = grown;
    memcpy(list->text + list->bytes, string, bytes);
    list->bytes += bytes;
    return JET_errSuccess;
}

/* An empty list is two NULs. */
static JET_ERR add_end(struct multi_string *list) {
    JET_ERR err = JET_errSuccess;
    if (!list->bytes)
        CALL(add(list, ""));
    list->text[list->bytes++] = 0; /* add() left room */
cleanup:
    return err;
}

static JET_ERR list_generations(struct backup *s, lggen_t low, lggen_t end, struct multi_string *out) {
    JET_ERR err = JET_errSuccess;
    char path[OS_PATH_MAX];

    *out = (struct multi_string){0};
    for (lggen_t gen = low; gen < end; gen++) {
        CALL(log_path_archive(&s->inst->config.log_dir, gen, path));
        CALL(add(out, path));
    }
    CALL(add_end(out));
cleanup:
    if (err < JET_errSuccess) {
        free(out->text);
        *out = (struct multi_string){0};
    }
    return err;
}

JET_ERR backup_list_databases(struct backup *s, struct multi_string *out) {
    JET_ERR err = JET_errSuccess;

    *out = (struct multi_string){0};
    CALL(backup_may(s, CALL_LIST_DATABASES));
    if (s->kind != BACKUP_FULL)
        FAIL(JET_errInvalidBackupSequence);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++)
        if (backup_covers(s->inst->dbs[id]))
            CALL(add(out, s->inst->dbs[id]->path));
    CALL(add_end(out));
cleanup:
    if (err < JET_errSuccess) {
        free(out->text);
        *out = (struct multi_string){0};
    }
    return err;
}

/* ---- log files ---- */

/* Where the next incremental backup of a database begins; 0: there was no full one, so it cannot. */
static lggen_t next_generation(const struct backup *s, const struct db *db) {
    lggen_t full = le32(db->header->full_prev.gen_high), inc = le32(db->header->inc_prev.gen_high);
    if (s->high && (s->kind == BACKUP_INCREMENTAL || s->database_read[db->dbid]))
        return s->high + 1;
    return le32(db->header->full_prev.gen_low) == 0 ? 0 : (full > inc ? full : inc) + 1;
}

/* An incremental backup continues the oldest of what the databases have. */
static lggen_t incremental_low(const struct backup *s) {
    lggen_t low = log_current_gen(s->inst->log);
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        lggen_t next = backup_covers(s->inst->dbs[id]) ? next_generation(s, s->inst->dbs[id]) : 0;
        low = next && next < low ? next : low;
    }
    return low;
}

static JET_ERR check_low_exists(struct backup *s) {
    lggen_t lowest = log_lowest_gen(s->inst->log);
    if (lowest <= s->low)
        return JET_errSuccess;
    event_write(&s->inst->events, EVENT_BACKUP_FILE_MISSING, EVENT_ERROR,
                "the backup needs log generations from %u on; the lowest that exists is %u", s->low, lowest);
    return RAISE(JET_errMissingFileToBackup);
}

JET_ERR backup_logs(struct backup *s, lggen_t from, lggen_t *low, lggen_t *high) {
    JET_ERR err = JET_errSuccess;
    lggen_t current;

    CALL(backup_may(s, CALL_LIST_LOGS));
    if (!s->high) {
        s->broken = true;
        if (s->kind == BACKUP_INCREMENTAL)
            s->low = from ? from : incremental_low(s);
        CALL(check_low_exists(s));
        CALL(log_roll(s->inst->log, &current));
        s->log_read = calloc(current - s->low, sizeof *s->log_read);
        if (!s->log_read)
            FAIL(JET_errOutOfMemory);
        s->high = current - 1;
        s->info.gen_low = to_le32(s->low);
        s->info.gen_high = to_le32(s->high);
        s->state = LOGS;
        s->broken = false;
        event_write(&s->inst->events, EVENT_BACKUP_LOG_FILES_START, EVENT_INFO, "log generations %u to %u are copied",
                    s->low, s->high);
    }
    *low = s->low;
    *high = s->high;
cleanup:
    return err;
}

JET_ERR backup_list_logs(struct backup *s, struct multi_string *out) {
    lggen_t low, high;
    JET_ERR err = backup_logs(s, 0, &low, &high);
    return err < JET_errSuccess ? err : list_generations(s, low, high + 1, out);
}

static bool complete(const struct backup *s) {
    if (!s->high || s->state != LOGS)
        return false;
    for (lggen_t gen = s->low; gen <= s->high; gen++)
        if (!s->log_read[gen - s->low])
            return false;
    return true;
}

JET_ERR backup_check_complete(const struct backup *s) {
    if (backup_stopped(s))
        return RAISE(JET_errBackupAbortByServer);
    return complete(s) ? JET_errSuccess : RAISE(JET_errInvalidBackupSequence);
}

/* ---- stamps ---- */

JET_ERR backup_stamp(struct backup *s, bool truncates) {
    JET_ERR err = JET_errSuccess;
    const bool full = s->kind == BACKUP_FULL;
    const enum backup_stamp stamp =
        full ? (truncates ? STAMP_FULL : STAMP_COPY) : (truncates ? STAMP_INCREMENTAL : STAMP_DIFFERENTIAL);
    lgpos_t begin;

    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        struct db *db = s->inst->dbs[id];
        if (!backup_covers(db) || (full && !s->database_read[id]))
            continue;
        CALL(log_backup(s->inst, 2, stamp, db->dbid, &s->info, &begin));
        CALL(db_stamp_backup(db, stamp, &s->info));
    }
cleanup:
    if (err < JET_errSuccess)
        event_write(&s->inst->events, EVENT_BACKUP_ERROR_INFO_UPDATE, EVENT_WARNING,
                    "the backup is good, but the databases could not be stamped: error %d (%s)", (int)err,
                    err_name(err));
    return err;
}

/* ---- truncation ---- */

/* P9: below the checkpoint, and below what the next incremental backup begins with. inst->mutex held. */
static lggen_t truncation_end(const struct backup *s) {
    lggen_t end = lgpos_gen(atomic_load(&s->inst->checkpoint));
    for (unsigned id = DB_FIRST_DBID; id <= DB_MAX; id++) {
        lggen_t next = backup_covers(s->inst->dbs[id]) ? next_generation(s, s->inst->dbs[id]) : 0;
        next = BROKEN(truncate_forgets_backup) ? 0 : next;
        end = next && next < end ? next : end;
    }
    return end;
}

JET_ERR backup_list_truncatable(struct backup *s, struct multi_string *out) {
    lggen_t low, high;
    JET_ERR err = backup_logs(s, 0, &low, &high);
    if (err < JET_errSuccess)
        return err;
    os_mutex_lock(&s->inst->mutex);
    lggen_t end = truncation_end(s);
    os_mutex_unlock(&s->inst->mutex);
    return list_generations(s, log_lowest_gen(s->inst->log), end, out);
}

JET_ERR backup_truncate(struct backup *s) {
    JET_ERR err = JET_errSuccess;
    struct inst *inst = s->inst;
    uint32_t count = 0;

    CALL(backup_may(s, CALL_TRUNCATE));
    if (s->kind != BACKUP_TRUNCATE && !complete(s)) {
        event_write(&inst->events, EVENT_BACKUP_LOG_NOT_COPIED, EVENT_ERROR,
                    "log files are not truncated: not all of generations %u to %u were copied", s->low, s->high);
        FAIL(JET_errLogFileNotCopied);
    }
    os_mutex_lock(&inst->mutex);
    lggen_t low = log_lowest_gen(inst->log), end = truncation_end(s);
    if (end <= low) {
        event_write(&inst->events, EVENT_BACKUP_NO_TRUNCATE, EVENT_INFO, "no log file can be truncated");
    } else {
        event_write(&inst->events, EVENT_BACKUP_TRUNCATE, EVENT_INFO, "truncating log generations %u to %u", low,
                    end - 1);
        err = log_truncate(inst->log, end, &count);
        if (err >= JET_errSuccess && count < end - low)
            event_write(&inst->events, EVENT_BACKUP_TRUNCATE_MISSING, EVENT_WARNING,
                        "%u of the log files to truncate were missing already", end - low - count);
    }
    os_mutex_unlock(&inst->mutex);
    CALL(err);
    s->truncated = true;
cleanup:
    return err;
}

bool backup_broken(const struct backup *s) {
    return s->broken;
}

bool backup_truncated(const struct backup *s) {
    return s->truncated;
}

/* ---- end ---- */

static void finish(struct backup *s) {
    struct inst *inst = s->inst;
    stream_close(&s->stream);
    os_mutex_lock(&inst->mutex);
    inst->backup_running = false;
    inst->backup = NULL;
    atomic_store(&inst->backup_gen_low, 0);
    os_cond_broadcast(&inst->backup_ended);
    os_mutex_unlock(&inst->mutex);
    free(s->log_read);
    free(s);
}

void backup_end(struct backup *s, JET_ERR why) {
    const struct event_sink *events = &s->inst->events;
    if (why >= JET_errSuccess)
        event_write(events, EVENT_STOP_BACKUP, EVENT_INFO, "the backup to %s ended", s->where);
    else if (why == JET_errBackupAbortByServer)
        event_write(events, EVENT_STOP_BACKUP_BY_SERVER, EVENT_ERROR, "the backup to %s was stopped by the program",
                    s->where);
    else
        event_write(events, EVENT_STOP_BACKUP_ERROR, EVENT_ERROR, "the backup to %s stopped: error %d (%s)", s->where,
                    (int)why, err_name(why));
    finish(s);
}

void backup_abandon(struct backup *s) {
    event_write(&s->inst->events, EVENT_STOP_BACKUP_BY_CALLER, EVENT_WARNING,
                "the backup to %s was given up by its client", s->where);
    finish(s);
}
