/* export: the rows of a table as CSV or JSON lines, in the order of the primary key. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/cursor.h"
#include "tools/reader.h"
#include "tools/tool.h"
#include "tools/value.h"

/* Text in memory, used again and again. */
struct scratch {
    FILE *file;
    char *text;
    size_t bytes;
};

struct export {
    struct reader *reader;
    struct cursor *cursor;
    const struct table_def *def;
    bool csv;
    uint8_t *buffer; /* of one value */
    uint32_t room;
    struct scratch value, list;
    uint64_t undecoded;
    JET_ERR first_undecoded;
};

static bool scratch_open(struct scratch *s) {
    s->file = open_memstream(&s->text, &s->bytes);
    return s->file;
}

static void scratch_close(struct scratch *s) {
    if (s->file)
        fclose(s->file);
    free(s->text);
}

/* ---- one value ---- */

/* JET_errSuccess, JET_wrnColumnNull, or why there is no value. *out lives until the next call. */
static JET_ERR retrieve(struct export *x, const struct column *column, uint32_t itag, struct slice *out) {
    JET_ERR err = JET_errSuccess;
    struct retrieve r;
    for (;;) {
        r = (struct retrieve){.fid = column->fid, .itag = itag, .out = x->buffer, .out_bytes = x->room};
        err = cursor_retrieve(x->cursor, &r);
        if (err != JET_wrnBufferTruncated || r.actual <= x->room)
            break;
        uint8_t *grown = realloc(x->buffer, r.actual);
        if (!grown)
            return RAISE(JET_errOutOfMemory);
        x->buffer = grown;
        x->room = r.actual;
    }
    *out = slice(x->buffer, r.actual);
    return err;
}

static void write_json_value(struct export *x, FILE *to, const struct column *column, struct slice value) {
    struct scratch *memory = &x->value;
    rewind(memory->file);
    enum value_form form = value_text(memory->file, column, value);
    fflush(memory->file);
    if (form == VALUE_RAW)
        fwrite(memory->text, 1, memory->bytes, to);
    else if (form == VALUE_STRING)
        json_string(to, memory->text, memory->bytes);
    else
        fprintf(to, "{\"hex\": \"%.*s\"}", (int)memory->bytes, memory->text);
}

static void note_undecoded(struct export *x, JET_ERR err) {
    if (x->undecoded++ == 0)
        x->first_undecoded = err;
}

static void write_json_item(struct export *x, FILE *to, const struct column *column, JET_ERR err, struct slice value) {
    if (err < JET_errSuccess) {
        note_undecoded(x, err);
        fprintf(to, "{\"error\": \"%s\"}", err_name(err));
    } else if (err == JET_wrnColumnNull) {
        fputs("null", to);
    } else {
        write_json_value(x, to, column, value);
    }
}

static void write_json_list(struct export *x, FILE *to, const struct column *column, uint32_t count) {
    fputc('[', to);
    for (uint32_t itag = 1; itag <= count; itag++) {
        struct slice value;
        JET_ERR err = retrieve(x, column, itag, &value);
        if (itag > 1)
            fputs(", ", to);
        write_json_item(x, to, column, err, value);
    }
    fputc(']', to);
}

/* How many values the column has in this record. */
static uint32_t value_count(struct export *x, const struct column *column) {
    struct retrieve r = {.fid = column->fid};
    return cursor_retrieve(x->cursor, &r) < JET_errSuccess ? 1 : r.itag;
}

/* ---- CSV ---- */

/* A cell is quoted when it must be, and when it is empty without being NULL. */
static void write_cell(const char *text, size_t bytes) {
    bool quote = bytes == 0 || text[0] == ' ' || text[bytes - 1] == ' ';
    for (size_t i = 0; i < bytes && !quote; i++)
        quote = strchr(",\"\r\n", text[i]) && text[i];
    if (!quote) {
        fwrite(text, 1, bytes, stdout);
        return;
    }
    putchar('"');
    for (size_t i = 0; i < bytes; i++) {
        if (text[i] == '"')
            putchar('"');
        putchar(text[i]);
    }
    putchar('"');
}

static void write_csv_text(struct export *x, const struct column *column, struct slice value) {
    struct scratch *memory = &x->value;
    rewind(memory->file);
    enum value_form form = value_text(memory->file, column, value);
    fflush(memory->file);
    size_t bytes = memory->bytes;
    while (form == VALUE_STRING && bytes > 0 && memory->text[bytes - 1] == '\0')
        bytes--;
    if (form == VALUE_HEX)
        fputs("hex:", stdout);
    write_cell(memory->text, bytes);
}

static void write_csv_list(struct export *x, const struct column *column, uint32_t count) {
    rewind(x->list.file);
    write_json_list(x, x->list.file, column, count);
    fflush(x->list.file);
    write_cell(x->list.text, x->list.bytes);
}

static void write_csv_column(struct export *x, const struct column *column) {
    struct slice value;
    uint32_t count = value_count(x, column);
    if (count > 1) {
        write_csv_list(x, column, count);
        return;
    }
    JET_ERR err = retrieve(x, column, 1, &value);
    if (err < JET_errSuccess) {
        note_undecoded(x, err);
        printf("#%s", err_name(err));
    } else if (err != JET_wrnColumnNull) {
        write_csv_text(x, column, value);
    }
}

static void write_csv_head(const struct export *x) {
    for (unsigned i = 0; i < x->def->column_count; i++) {
        if (i)
            putchar(',');
        write_cell(x->def->columns[i].name, strlen(x->def->columns[i].name));
    }
    putchar('\n');
}

static void write_csv_row(struct export *x) {
    for (unsigned i = 0; i < x->def->column_count; i++) {
        if (i)
            putchar(',');
        write_csv_column(x, &x->def->columns[i]);
    }
    putchar('\n');
}

/* ---- JSON lines ---- */

static void write_json_row(struct export *x) {
    putchar('{');
    for (unsigned i = 0; i < x->def->column_count; i++) {
        const struct column *column = &x->def->columns[i];
        uint32_t count = value_count(x, column);
        struct slice value;
        if (i)
            fputs(", ", stdout);
        json_string(stdout, column->name, strlen(column->name));
        fputs(": ", stdout);
        if (count > 1) {
            write_json_list(x, stdout, column, count);
        } else {
            JET_ERR err = retrieve(x, column, 1, &value);
            write_json_item(x, stdout, column, err, value);
        }
    }
    fputs("}\n", stdout);
}

/* ---- all rows ---- */

static JET_ERR count_row(void *context, const struct walked *node) {
    uint64_t *count = context;
    *count += !node->deleted;
    return JET_errSuccess;
}

/* For the bar, where there is one. 0: not known. */
static uint64_t count_rows(struct export *x) {
    uint64_t count = 0;
    struct tree *tree;
    if (!isatty(STDERR_FILENO) || isatty(STDOUT_FILENO))
        return 0;
    JET_ERR err = db_tree(x->reader->db, x->def->fdp, x->def->objid, 0, NULL, &tree);
    if (err >= JET_errSuccess)
        err = walk_tree(tree, count_row, &count);
    return err < JET_errSuccess ? 0 : count;
}

static JET_ERR export_rows(struct export *x) {
    struct progress progress = {.shown = -1};
    uint64_t rows = 0, total = count_rows(x);
    if (total > 0)
        progress_start(&progress, "rows", total);
    if (x->csv)
        write_csv_head(x);
    JET_ERR err = cursor_move(x->cursor, JET_MoveFirst, 0);
    while (err >= JET_errSuccess && !ferror(stdout)) {
        (x->csv ? write_csv_row : write_json_row)(x);
        progress_step(&progress, ++rows);
        err = cursor_move(x->cursor, JET_MoveNext, 0);
    }
    progress_end(&progress);
    return err == JET_errNoCurrentRecord ? JET_errSuccess : err;
}

static int complain_export(const char *path, const char *table, JET_ERR err) {
    char what[80];
    if (err == JET_errDatabaseDirtyShutdown) {
        complain_dirty(path);
        return EXIT_FAILED;
    }
    if (err == JET_errObjectNotFound || err == JET_errInvalidName) {
        complain(path, "has no table %s", table);
        return EXIT_FAILED;
    }
    snprintf(what, sizeof what, "table %.64s", table);
    return complain_err(path, what, err);
}

static int export_table(struct export *x, const char *path, const char *table) {
    JET_ERR err = JET_errSuccess;
    int code = EXIT_DONE;

    CALL(reader_begin_session(x->reader));
    CALL(trx_begin(x->reader->session, true));
    CALL(cursor_open(x->reader->session, x->reader->db, table, JET_bitTableReadOnly, &x->cursor));
    CALL(cursor_table(x->cursor, &x->def));
    CALL(export_rows(x));
    if (x->undecoded) {
        complain(path, "table %s: %llu values could not be decoded, the first one for %s", table,
                 (unsigned long long)x->undecoded, err_words(x->first_undecoded));
        code = EXIT_DAMAGE;
    }
cleanup:
    if (err < JET_errSuccess)
        code = complain_export(path, table, err);
    if (x->cursor)
        cursor_close(x->cursor);
    return code;
}

static int run_export(const struct args *args) {
    const char *path = args->operands[0], *format = args_value(args, "format");
    struct export x = {.csv = format && strcmp(format, "csv") == 0};
    char why[256];
    int code;

    if (format && !x.csv && strcmp(format, "jsonl") != 0) {
        fprintf(stderr, "esentutl: export: the format is csv or jsonl, not %s\n", format);
        return EXIT_FAILED;
    }
    code = reader_open_or_complain(path, &x.reader, why);
    if (code == EXIT_DONE && !(scratch_open(&x.value) && scratch_open(&x.list))) {
        complain(path, "%s", err_words(JET_errOutOfMemory));
        code = EXIT_FAILED;
    }
    if (code == EXIT_DONE) {
        reader_show_events(x.reader);
        code = export_table(&x, path, args->operands[1]);
    }
    scratch_close(&x.value);
    scratch_close(&x.list);
    reader_close(x.reader);
    free(x.buffer);
    return code;
}

static const struct option_def options[] = {{"format", "FORMAT", "csv or jsonl (the default)"}, OPTIONS_END};

const struct command command_export = {
    .name = "export",
    .operands = "DB TABLE",
    .summary = "write the rows of a table as CSV or JSON lines",
    .details = "Text is UTF-8, binary data hexadecimal, a DateTime ISO 8601 (one that is no date: the stored number), "
               "Currency the\n"
               "stored integer. More than one value of a column is a JSON array, in CSV too. Text that is none in its "
               "code page is\n"
               "{\"hex\": \"...\"}, in CSV hex:... . A value that this version cannot decode is {\"error\": "
               "\"JET_err...\"}, in CSV\n"
               "#JET_err..., and the exit code is 1. CSV: NULL is empty, an empty value is \"\"; zero characters at "
               "the end of a\n"
               "text are left out.",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_export,
};
