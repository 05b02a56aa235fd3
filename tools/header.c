/* header: what a database, log file or checkpoint says of itself. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "engine/db.h"
#include "engine/logrec.h"
#include "log/log.h"
#include "tools/reader.h"
#include "tools/tool.h"

/* ---- parts ---- */

static void write_time(struct out *o, const char *key, const char *label, const struct disk_logtime *disk) {
    JET_LOGTIME t = disk_logtime_load(disk);
    char text[32];
    clock_logtime_text(&t, text);
    out_field(o, key, label, "%s", text);
}

/* As ESE prints one: generation, sector, byte. */
static void position_text(lgpos_t pos, char out[48]) {
    if (pos == 0)
        snprintf(out, 48, "none");
    else
        snprintf(out, 48, "%u:%u:%u", lgpos_gen(pos), lgpos_offset(pos) / LOG_SECTOR, lgpos_offset(pos) % LOG_SECTOR);
}

static void write_position(struct out *o, const char *key, const char *label, lgpos_t pos) {
    char text[48];
    position_text(pos, text);
    out_field(o, key, label, "%s", text);
}

static void write_signature(struct out *o, const char *key, const char *label, const JET_SIGNATURE *s) {
    char text[32];
    clock_logtime_text(&s->logtimeCreate, text);
    out_field(o, key, label, "%u, made %s", s->ulRandom, text);
}

static void write_backup(struct out *o, const char *key, const char *label, const char *absent, const char *kind,
                         const struct disk_bkinfo *disk) {
    JET_BKINFO info = disk_bkinfo_load(disk);
    lgpos_t mark = lgpos_from_jet(&info.lgposMark);
    char time[32], position[48];
    if (mark == 0 && info.genLow == 0 && info.genHigh == 0) {
        out_label(o, label, "%s", absent);
        out_null(o, key);
        return;
    }
    clock_logtime_text(&info.logtimeMark, time);
    position_text(mark, position);
    if (info.genHigh)
        out_label(o, label, "%s of %s, log generations %u to %u, position %s", kind, time, info.genLow, info.genHigh,
                  position);
    else
        out_label(o, label, "%s of %s, log generations from %u, position %s", kind, time, info.genLow, position);
    out_open_object(o, key);
    out_string(o, "kind", kind);
    out_string(o, "time", time);
    out_number(o, "generation_low", info.genLow);
    out_number(o, "generation_high", info.genHigh);
    out_string(o, "position", position);
    out_close(o);
}

/* A list of databases as log headers and checkpoints have it. */
static int write_attachments(struct out *o, const uint8_t *bytes, uint32_t count) {
    struct slice list = slice(bytes, count);
    struct db_attachment *a = malloc(sizeof *a);
    int code = a ? EXIT_DONE : EXIT_FAILED;
    out_open_array(o, "databases");
    while (a && list.n > 0) {
        if (db_attach_list_next(&list, a) < JET_errSuccess) {
            out_line(o, "the list of attached databases is damaged");
            code = EXIT_DAMAGE;
            break;
        }
        out_label(o, "attached database", "%u: %s", a->dbid, a->path);
        out_open_object(o, NULL);
        out_number(o, "dbid", a->dbid);
        out_string(o, "path", a->path);
        out_close(o);
    }
    out_close(o);
    free(a);
    return code;
}

/* ---- databases ---- */

static void write_state(struct out *o, const struct dbheader *h) {
    uint32_t state = le32(h->state), low = le32(h->gen_min_required), high = le32(h->gen_max_required);
    out_field(o, "state", "state", "%s", dbstate_words(state));
    out_number(o, "log_required_low", low);
    out_number(o, "log_required_high", high);
    out_number(o, "log_committed", le32(h->gen_max_committed));
    if (low || high)
        out_label(o, "log generations required", "%u to %u, committed to %u", low, high, le32(h->gen_max_committed));
    else
        out_label(o, "log generations required", "none");
    write_time(o, "log_committed_created", "    last of them created", &h->time_gen_max_create);
    out_count(o, "dbtime", "dbtime", le64(h->dbtime_dirtied));
    out_count(o, "last_objid", "last object number", le32(h->objid_last));
}

static void write_identity(struct out *o, const struct dbheader *h, unsigned copies_bad) {
    JET_SIGNATURE database = disk_signature_load(&h->sign_db), log = disk_signature_load(&h->sign_log);
    out_field(o, "header_copies", "header copies", "%s",
              copies_bad == 0  ? "both good"
              : copies_bad & 1 ? "primary DAMAGED, shadow good"
                               : "primary good, shadow DAMAGED");
    out_field(o, "format", "format", "%#x revision %u", le32(h->version), le32(h->revision));
    out_field(o, "created_format", "format when created", "%#x revision %u", le32(h->create_version),
              le32(h->create_update));
    out_count(o, "page_size", "page size", le32(h->page_size));
    write_signature(o, "database_signature", "database signature", &database);
    write_signature(o, "log_signature", "log signature", &log);
    out_count(o, "dbid", "database number in its instance", le32(h->dbid));
    out_field(o, "flags", "flags", "%#x", le32(h->db_flags));
    out_field(o, "windows_version", "Windows version", "%u.%u.%u service pack %u", le32(h->os_major), le32(h->os_minor),
              le32(h->os_build), le32(h->os_service_pack));
}

static void write_life(struct out *o, const struct dbheader *h) {
    write_time(o, "attached", "attached", &h->time_attach);
    write_position(o, "attached_position", "    at log position", disk_lgpos_get(&h->lgpos_attach));
    write_time(o, "detached", "detached", &h->time_detach);
    write_position(o, "detached_position", "    at log position", disk_lgpos_get(&h->lgpos_detach));
    write_time(o, "consistent", "last consistent", &h->time_consistent);
    write_position(o, "consistent_position", "    at log position", disk_lgpos_get(&h->lgpos_consistent));
}

static void write_backups(struct out *o, const struct dbheader *h) {
    write_backup(o, "last_full_backup", "last full backup (bkinfoFullPrev)", "never", "full backup", &h->full_prev);
    write_backup(o, "last_incremental_backup", "last incremental (bkinfoIncPrev)", "never", "incremental backup",
                 &h->inc_prev);
    write_backup(o, "last_copy_backup", "last copy backup (bkinfoCopyPrev)", "never", "copy backup", &h->copy_prev);
    write_backup(o, "last_differential_backup", "last differential (bkinfoDiffPrev)", "never", "differential backup",
                 &h->diff_prev);
    write_backup(o, "snapshot", "snapshot in progress", "no", "snapshot", &h->snapshot_cur);
    write_backup(o, "copied_by", "this file is a copy (bkinfoFullCur)", "no", "full backup", &h->full_cur);
    if (le32(h->full_cur.gen_low))
        out_line(o, "This file is part of a backup set: restore the set, do not attach the file.");
}

static void write_repairs(struct out *o, const struct dbheader *h) {
    out_count(o, "pages_corrected", "pages corrected by ECC", le32(h->ecc_fix_success));
    write_time(o, "pages_corrected_last", "    last", &h->time_ecc_fix_success);
    out_count(o, "pages_uncorrectable", "pages that ECC could not correct", le32(h->ecc_fix_fail));
    write_time(o, "pages_uncorrectable_last", "    last", &h->time_ecc_fix_fail);
    out_count(o, "bad_checksums", "bad checksums seen", le32(h->bad_checksum));
    write_time(o, "bad_checksums_last", "    last", &h->time_bad_checksum);
    out_count(o, "repairs", "repairs", le32(h->repair_count));
    write_time(o, "repairs_last", "    last", &h->time_repair);
    write_time(o, "scrubbed", "scrubbed", &h->time_scrub);
    out_count(o, "extensions", "extensions", le32(h->extend_count));
    write_time(o, "extended_last", "    last", &h->time_last_extend);
}

static int header_of_database(struct out *o, const char *path) {
    struct dbheader *h = calloc(1, PAGE_SIZE_MAX);
    struct os_file *file = NULL;
    JET_ERR err = JET_errSuccess;
    unsigned copies_bad = 0;
    int code;

    if (!h)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ, &file));
    err = dbheader_read(file, h, &copies_bad);
    if (err == JET_errInvalidDatabaseVersion)
        out_line(o, "This is a newer format than this program knows.");
    else
        CALL(err);
    write_identity(o, h, copies_bad);
    write_state(o, h);
    write_life(o, h);
    write_backups(o, h);
    write_repairs(o, h);
    err = JET_errSuccess;
cleanup:
    code = err == JET_errSuccess ? (copies_bad ? EXIT_DAMAGE : EXIT_DONE) : EXIT_FAILED;
    if (err < JET_errSuccess) {
        code = reader_complain(path, NULL, err);
        out_string(o, "error", err_name(err));
    }
    os_close(file);
    free(h);
    return code;
}

/* ---- log files ---- */

static int write_log_header(struct out *o, const struct log_header *h) {
    char text[32];
    out_count(o, "generation", "generation", h->gen);
    out_count(o, "file_bytes", "bytes", h->file_bytes);
    out_count(o, "page_size", "page size of the databases", h->page_size);
    clock_logtime_text(&h->created, text);
    out_field(o, "created", "created", "%s", text);
    clock_logtime_text(&h->previous_created, text);
    out_field(o, "previous_created", "generation before it created", "%s", text);
    write_signature(o, "log_signature", "log signature", &h->signature);
    out_bool(o, "circular", h->circular);
    out_label(o, "circular logging", "%s", h->circular ? "on" : "off");
    out_bool(o, "reserve", h->reserve_used);
    out_label(o, "made of a reserve file", "%s", h->reserve_used ? "yes: the disk was full" : "no");
    write_position(o, "checkpoint", "checkpoint when it was created", h->checkpoint);
    return write_attachments(o, h->attach, h->attach_bytes);
}

/* ESE's users know this as /ml with /v: one line a record that begins in this generation. */
static int write_records(struct out *o, const char *path, const struct log_header *h) {
    struct log_reader_config config = {.from = lgpos_make(h->gen, 0), .signature = &h->signature};
    struct log_reader *reader = NULL;
    struct log_record record;
    char absolute[OS_PATH_MAX], text[512], position[48];
    JET_ERR err = JET_errSuccess;

    out_open_array(o, "records");
    CALL(os_path_absolute(absolute, path));
    CALL(os_path_parent(config.dirs[0].path, absolute));
    memcpy(config.dirs[0].base, os_path_name(absolute), strnlen(os_path_name(absolute), 3));
    CALL(log_reader_open(&config, &reader));
    while ((err = log_reader_next(reader, &record)) >= JET_errSuccess && lgpos_gen(record.begin) == h->gen) {
        logrec_print(record.type, slice(record.data, record.bytes), text, sizeof text);
        position_text(record.begin, position);
        out_line(o, "%-16s %s", position, text);
        out_open_object(o, NULL);
        out_string(o, "position", position);
        out_number(o, "bytes", record.bytes);
        out_string(o, "record", text);
        out_close(o);
    }
    if (err == JET_errNoCurrentRecord)
        err = JET_errSuccess;
cleanup:
    out_close(o);
    log_reader_close(reader);
    return err < JET_errSuccess ? complain_err(path, "its records cannot be read", err) : EXIT_DONE;
}

static int header_of_log(struct out *o, const char *path, bool records) {
    struct log_header *h = malloc(sizeof *h);
    JET_ERR err = h ? log_header_read(path, h) : JET_errOutOfMemory;
    int code;
    if (err >= JET_errSuccess) {
        code = write_log_header(o, h);
        if (records)
            code = exit_worse(code, write_records(o, path, h));
    } else if (err == JET_errBadLogVersion) {
        complain(path, "is a log file of another format than this program's");
        code = EXIT_FAILED;
    } else {
        code = complain_err(path, "the header is damaged", err);
    }
    if (err < JET_errSuccess)
        out_string(o, "error", err_name(err));
    free(h);
    return code;
}

/* ---- checkpoints ---- */

static int header_of_checkpoint(struct out *o, const char *path) {
    struct log_checkpoint *c = malloc(sizeof *c);
    unsigned bad = 0;
    JET_ERR err = c ? log_checkpoint_read(path, c, &bad) : JET_errOutOfMemory;
    int code = EXIT_DAMAGE;
    if (err >= JET_errSuccess) {
        write_position(o, "position", "recovery starts at", c->position);
        out_count(o, "generation", "in generation", lgpos_gen(c->position));
        write_signature(o, "log_signature", "log signature", &c->signature);
        out_count(o, "sequence", "times written", c->sequence);
        out_count(o, "copies_bad", "damaged copies", bad);
        code = write_attachments(o, c->attach, c->attach_bytes);
        if (bad)
            code = exit_worse(code, EXIT_DAMAGE);
    } else {
        code = err == JET_errCheckpointCorrupt ? EXIT_DAMAGE : EXIT_FAILED;
        complain(path, "%s", code == EXIT_DAMAGE ? "neither copy is good" : err_words(err));
        out_string(o, "error", err_name(err));
    }
    free(c);
    return code;
}

/* ---- the command ---- */

static int run_header(const struct args *args) {
    static const char *const kinds[] = {"unknown", "database", "log file", "checkpoint"};
    const char *path = args->operands[0];
    struct out o;
    enum file_kind kind;
    uint64_t bytes;
    char why[256];

    int code = file_identify(path, &kind, &bytes, why);
    out_start(&o, args_has(args, "json"));
    out_string(&o, "file", path);
    if (code != EXIT_DONE) {
        complain(path, "%s", why);
        out_string(&o, "error", why);
    } else {
        out_label(&o, "file", "%s", path);
        out_field(&o, "type", "type", "%s", kinds[kind]);
        code = kind == FILE_DATABASE ? header_of_database(&o, path)
               : kind == FILE_LOG    ? header_of_log(&o, path, args_has(args, "records"))
                                     : header_of_checkpoint(&o, path);
    }
    out_finish(&o);
    return code;
}

static const struct option_def options[] = {
    {"records", NULL, "of a log file: also one line for each record"},
    OPTION_JSON,
    OPTIONS_END,
};

const struct command command_header = {
    .name = "header",
    .operands = "FILE",
    .summary = "show the header of a database, log file, checkpoint",
    .details = "Log positions are generation:sector:byte, all decimal; a sector has 4096 bytes. Times are UTC where "
               "they say so.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_header,
};
