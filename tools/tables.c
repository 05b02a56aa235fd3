/* tables: what a database holds, as its catalog says. */
#include <stdlib.h>

#include "tools/catalog.h"
#include "tools/tool.h"
#include "tools/value.h"

enum { SEGMENT_BYTES = 4, SEGMENT_DESCENDING = 0x40 };

struct lister {
    struct out out;
    struct reader *reader;
    bool details;
};

static JET_ERR count_row(void *context, const struct walked *node) {
    uint64_t *count = context;
    *count += !node->deleted;
    return JET_errSuccess;
}

static JET_ERR count_rows(struct lister *l, const struct cat_record *table, uint64_t *count) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree;
    *count = 0;
    CALL(db_tree(l->reader->db, table->coltyp_or_fdp, table->table, 0, NULL, &tree));
    CALL(walk_tree(tree, count_row, count));
cleanup:
    return err;
}

static const char *name_of(const struct cat_record *r, char out[256]) {
    size_t n = r->name.n < 255 ? r->name.n : 255;
    memcpy(out, r->name.p, n);
    out[n] = '\0';
    return out;
}

/* ---- columns ---- */

static void list_column(struct lister *l, const struct cat_record *r) {
    static const struct {
        uint32_t flag;
        const char *key, *words;
    } flags[] = {
        {COLUMN_NOT_NULL, "not_null", "not NULL"},
        {COLUMN_VERSION, "version", "version"},
        {COLUMN_AUTO_INCREMENT, "auto_increment", "autoincrement"},
        {COLUMN_MULTI_VALUED, "multi_valued", "multi-valued"},
        {COLUMN_ESCROW, "escrow", "escrow"},
        {COLUMN_COMPRESSED, "compressed", "compressed"},
        {COLUMN_ENCRYPTED, "encrypted", "encrypted"},
    };
    char name[256], words[256] = "";
    int n = 0;
    bool text = r->coltyp_or_fdp == JET_coltypText || r->coltyp_or_fdp == JET_coltypLongText;

    out_open_object(&l->out, NULL);
    out_number(&l->out, "id", r->id);
    out_string(&l->out, "name", name_of(r, name));
    out_string(&l->out, "type", coltyp_name(r->coltyp_or_fdp));
    out_number(&l->out, "max_bytes", r->space_usage);
    if (text)
        out_number(&l->out, "code_page", r->pages_or_locale);
    if (text)
        n += snprintf(words, sizeof words, ", code page %u", r->pages_or_locale);
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if (!(r->flags & flags[i].flag))
            continue;
        out_bool(&l->out, flags[i].key, true);
        n += snprintf(words + n, sizeof words - (size_t)n, ", %s", flags[i].words);
    }
    out_bool(&l->out, "has_default", r->default_value.p);
    out_close(&l->out);
    if (l->details)
        out_line(&l->out, "column %5u  %-32s %s%s%s", r->id, name, coltyp_name(r->coltyp_or_fdp), words,
                 r->default_value.p ? ", default" : "");
}

/* ---- indexes ---- */

static const struct cat_record *column_record(const struct cat_row *rows, size_t count, uint32_t fid) {
    for (size_t i = 0; i < count; i++) {
        if (rows[i].record.type == CAT_COLUMN && rows[i].record.id == fid)
            return &rows[i].record;
    }
    return NULL;
}

static void segment_text(const struct cat_row *rows, size_t count, const uint8_t *segment, char out[300]) {
    const struct cat_record *column = column_record(rows, count, load16(segment + 2));
    char name[256];
    if (column)
        snprintf(out, 300, "%c%s", segment[0] & SEGMENT_DESCENDING ? '-' : '+', name_of(column, name));
    else
        snprintf(out, 300, "%c#%u", segment[0] & SEGMENT_DESCENDING ? '-' : '+', load16(segment + 2));
}

static void list_index(struct lister *l, const struct cat_row *rows, size_t count, const struct cat_record *r) {
    bool primary = r->flags & INDEX_PRIMARY, unique = r->flags & INDEX_UNIQUE;
    char name[256], segment[300], key[1024] = "";
    int n = 0;

    out_open_object(&l->out, NULL);
    out_string(&l->out, "name", name_of(r, name));
    out_number(&l->out, "objid", r->id);
    out_number(&l->out, "root_page", r->coltyp_or_fdp);
    out_bool(&l->out, "primary", primary);
    out_bool(&l->out, "unique", unique);
    out_open_array(&l->out, "key");
    for (size_t at = 0; at + SEGMENT_BYTES <= r->segments.n; at += SEGMENT_BYTES) {
        segment_text(rows, count, r->segments.p + at, segment);
        out_string(&l->out, NULL, segment);
        if (n < (int)sizeof key)
            n += snprintf(key + n, sizeof key - (size_t)n, " %s", segment);
    }
    out_close(&l->out);
    out_close(&l->out);
    if (l->details)
        out_line(&l->out, "index         %-32s%s%s", name, key, primary ? ", primary" : unique ? ", unique" : "");
}

/* ---- tables ---- */

static void list_columns(struct lister *l, const struct cat_row *rows, size_t count) {
    out_open_array(&l->out, "columns");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].record.type == CAT_COLUMN && rows[i].record.coltyp_or_fdp != JET_coltypNil)
            list_column(l, &rows[i].record);
    }
    out_close(&l->out);
    out_open_array(&l->out, "indexes");
    for (size_t i = 0; i < count; i++) {
        if (rows[i].record.type == CAT_INDEX)
            list_index(l, rows, count, &rows[i].record);
    }
    out_close(&l->out);
}

static unsigned count_type(const struct cat_row *rows, size_t count, enum cat_type type) {
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        found += rows[i].record.type == type && (type != CAT_COLUMN || rows[i].record.coltyp_or_fdp != JET_coltypNil);
    return found;
}

static JET_ERR list_table(struct lister *l, const struct cat_row *rows, size_t count) {
    const struct cat_record *table = &rows->record;
    uint64_t row_count;
    char name[256];
    bool long_values = count_type(rows, count, CAT_LONG_VALUES) > 0;
    JET_ERR err = count_rows(l, table, &row_count);

    if (err < JET_errSuccess)
        return err;
    l->out.indent = 0;
    out_line(&l->out, "%-40s %10llu rows %4u columns %3u indexes%s", name_of(table, name),
             (unsigned long long)row_count, count_type(rows, count, CAT_COLUMN), count_type(rows, count, CAT_INDEX),
             long_values ? ", long values" : "");
    l->out.indent = 4;
    out_open_object(&l->out, NULL);
    out_string(&l->out, "name", name_of(table, name));
    out_number(&l->out, "objid", table->table);
    out_number(&l->out, "root_page", table->coltyp_or_fdp);
    out_number(&l->out, "rows", row_count);
    out_bool(&l->out, "long_values", long_values);
    list_columns(l, rows, count);
    out_close(&l->out);
    return JET_errSuccess;
}

static JET_ERR list_tables(struct lister *l, const struct cat_rows *list) {
    JET_ERR err = JET_errSuccess;
    struct progress progress;
    progress_start(&progress, "tables", list->count);
    for (size_t i = 0, end; i < list->count; i = end) {
        end = cat_rows_table_end(list, i);
        if (list->rows[i].record.type == CAT_TABLE)
            CALL(list_table(l, list->rows + i, end - i));
        progress_step(&progress, end);
    }
cleanup:
    progress_end(&progress);
    return err;
}

static int list_database(struct lister *l, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct cat_rows rows = {0};
    int code = EXIT_DONE;

    if (le32(l->reader->header->state) != JET_dbstateCleanShutdown) {
        complain_dirty(path);
        out_string(&l->out, "error", err_name(JET_errDatabaseDirtyShutdown));
        return EXIT_FAILED;
    }
    unsigned depth = l->out.depth;
    out_open_array(&l->out, "tables");
    CALL(cat_rows_load(l->reader->db, CAT_FDP, CAT_OBJID, &rows));
    CALL(list_tables(l, &rows));
cleanup:
    while (l->out.depth > depth)
        out_close(&l->out);
    if (err < JET_errSuccess) {
        code = complain_err(path, "not all tables can be listed; esentutl check tells more", err);
        out_string(&l->out, "error", err_name(err));
    }
    cat_rows_free(&rows);
    return code;
}

static int run_tables(const struct args *args) {
    const char *path = args->operands[0];
    struct lister l = {.details = args_has(args, "details")};
    char why[256];

    out_start(&l.out, args_has(args, "json"));
    out_string(&l.out, "file", path);
    int code = reader_open_or_complain(path, &l.reader, why);
    if (code == EXIT_DONE) {
        reader_show_events(l.reader);
        code = list_database(&l, path);
    } else {
        out_string(&l.out, "error", why);
    }
    out_finish(&l.out);
    reader_close(l.reader);
    return code;
}

static const struct option_def options[] = {
    {"details", NULL, "list columns and indexes too (JSON has them always)"},
    OPTION_JSON,
    OPTIONS_END,
};

const struct command command_tables = {
    .name = "tables",
    .operands = "DB",
    .summary = "list the tables of a database",
    .details = "With the number of rows, columns and indexes of each.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_tables,
};
