/* check: is this database what it should be? Pages, header, space, the catalog and its shadow, and then table by table.
 *
 * Works on what is there, whatever its state: a database that was not shut down clean is checked as it stands, and that
 * it was not is a note. What cannot be followed is reported where it breaks, and the rest is checked all the same. */
#include "tools/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/pages.h"

#define FINDINGS_SHOWN 1000

/* ---- findings ---- */

void check_finding(struct checker *c, pgno_t pgno, int line, const char *format, ...) {
    char text[512], place[300] = "";
    va_list args;

    if (++c->findings > FINDINGS_SHOWN)
        return;
    progress_hide();
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int n = 0;
    if (pgno)
        n += snprintf(place, sizeof place, "page %u", pgno);
    if (line >= 0)
        n += snprintf(place + n, sizeof place - (size_t)n, " line %d", line);
    if (c->tree)
        n += snprintf(place + n, sizeof place - (size_t)n, "%s%s", n ? ", " : "", c->tree);
    out_line(c->out, "%s%s%s", place, n ? ": " : "", text);
    out_open_object(c->out, NULL);
    if (pgno)
        out_number(c->out, "page", pgno);
    if (line >= 0)
        out_number(c->out, "line", (uint64_t)line);
    if (c->tree)
        out_string(c->out, "tree", c->tree);
    out_string(c->out, "what", text);
    out_close(c->out);
}

void check_report(void *context, pgno_t pgno, const char *what) {
    check_finding(context, pgno, -1, "%s", what);
}

static void note(struct checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void note(struct checker *c, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    out_line(c->out, "note: %s", text);
    out_string(c->out, NULL, text);
}

/* ---- trees ---- */

JET_ERR check_tree(struct checker *c, const char *name, pgno_t fdp, objid_t objid, uint32_t type, struct tree *parent,
                   struct tree **out) {
    JET_ERR err = JET_errSuccess;
    struct tree *tree;

    *out = NULL;
    c->tree = name;
    if (fdp <= 1 || fdp > atomic_load(&c->db->page_count)) {
        check_finding(c, 0, -1, "its root is said to be page %u, which the database does not have", fdp);
        return JET_errSuccess;
    }
    uint8_t bit = (uint8_t)(1u << fdp % 8);
    if (c->claimed[fdp / 8] & bit) {
        check_finding(c, fdp, -1, "is the root of another tree as well");
        return JET_errSuccess;
    }
    c->claimed[fdp / 8] |= bit;
    CALL(db_tree(c->db, fdp, objid, type, parent ? parent : &c->db->root, &tree));
    CALL(space_accounts_add(c->accounts, tree, check_report, c));
    *out = tree;
cleanup:
    return err;
}

/* ---- the file as a whole ---- */

static void check_file(struct checker *c, const struct reader *r) {
    if (r->copies_bad)
        check_finding(c, 0, -1, "%s copy of the header is damaged", r->copies_bad & 1 ? "the primary" : "the shadow");
    if (r->space_err < JET_errSuccess)
        check_finding(c, 1, -1, "how much of the file the database owns cannot be read: %s", err_name(r->space_err));
    if (r->owned_last > atomic_load(&c->db->file_pages))
        check_finding(c, 0, -1, "the file ends after page %u, but the database owns pages up to %u",
                      atomic_load(&c->db->file_pages), r->owned_last);
}

static JET_ERR check_pages(struct checker *c, struct page_scan *scan) {
    bool clean = le32(c->db->header->state) == JET_dbstateCleanShutdown;
    *scan = (struct page_scan){
        .file = c->db->file,
        .page_size = c->db->page_size,
        .last = atomic_load(&c->db->file_pages),
        .owned_last = atomic_load(&c->db->page_count),
        .dbtime_max = clean ? le64(c->db->header->dbtime_dirtied) : UINT64_MAX,
    };
    JET_ERR err = pages_scan(scan);
    for (size_t i = 0; err >= JET_errSuccess && i < scan->finding_count; i++) {
        char text[256];
        page_finding_text(&scan->findings[i], text);
        check_finding(c, scan->findings[i].pgno, -1, "%s", text);
    }
    return err;
}

/* ---- the catalog and its tables ---- */

static void check_required(struct checker *c, pgno_t fdp, const char *name) {
    if (c->claimed[fdp / 8] & 1u << fdp % 8)
        return;
    c->tree = NULL;
    check_finding(c, fdp, -1, "the catalog says nothing of %s, whose root should be here", name);
}

static JET_ERR check_tables(struct checker *c, const struct cat_rows *list) {
    JET_ERR err = JET_errSuccess;
    struct progress progress;

    progress_start(&progress, "tables", list->count);
    for (size_t i = 0, end; i < list->count; i = end) {
        end = cat_rows_table_end(list, i);
        if (list->rows[i].err >= JET_errSuccess)
            CALL(check_table(c, list->rows + i, end - i));
        progress_step(&progress, end);
    }
cleanup:
    progress_end(&progress);
    return err;
}

static JET_ERR check_contents(struct checker *c) {
    JET_ERR err = JET_errSuccess;
    struct cat_rows catalog = {0};

    c->tree = "database root";
    CALL(space_accounts_add(c->accounts, &c->db->root, check_report, c));
    CALL(check_load_catalog(c, CAT_FDP, CAT_OBJID, "MSysObjects", &catalog));
    CALL(check_shadow(c, &catalog));
    CALL(check_tables(c, &catalog));
    check_required(c, CAT_FDP, "MSysObjects");
    check_required(c, CAT_NAME_FDP, "its index Name");
    check_required(c, CAT_ROOT_OBJECTS_FDP, "its index RootObjects");
    check_required(c, CAT_SHADOW_FDP, "MSysObjectsShadow");
    c->tree = NULL;
    space_accounts_finish(c->accounts, check_report, c);
cleanup:
    cat_rows_free(&catalog);
    return err;
}

JET_ERR check_database(struct checker *c, const struct reader *r, struct page_scan *scan) {
    JET_ERR err = JET_errSuccess;
    c->claimed = calloc(1, (size_t)atomic_load(&c->db->page_count) / 8 + 1 + CAT_SHADOW_FDP);
    if (!c->claimed)
        FAIL(JET_errOutOfMemory);
    CALL(space_accounts_new(c->db, &c->accounts));
    out_open_array(c->out, "findings");
    check_file(c, r);
    CALL(check_pages(c, scan));
    CALL(check_contents(c));
cleanup:
    return err;
}

void checker_done(struct checker *c) {
    space_accounts_free(c->accounts);
    free(c->claimed);
}

/* ---- the command ---- */

static void write_notes(struct checker *c, const struct page_scan *scan) {
    uint32_t state = le32(c->db->header->state);
    const struct check_stats *s = &c->stats;
    out_open_array(c->out, "notes");
    if (c->findings > FINDINGS_SHOWN)
        note(c, "%llu more findings are not shown", (unsigned long long)(c->findings - FINDINGS_SHOWN));
    if (state != JET_dbstateCleanShutdown)
        note(c, "the state is: %s; what recovery would change has been checked as it stands", dbstate_words(state));
    if (scan->last > scan->owned_last)
        note(c, "%u pages lie beyond what the database owns", scan->last - scan->owned_last);
    if (s->keys_unknown)
        note(c, "%llu primary keys were not recomputed: another system sorted them",
             (unsigned long long)s->keys_unknown);
    if (s->values_unknown)
        note(c, "%llu values are compressed in a way that this version does not know",
             (unsigned long long)s->values_unknown);
    out_close(c->out);
}

static void write_stats(struct checker *c, const struct page_scan *scan) {
    const struct check_stats *s = &c->stats;
    out_open_object(c->out, "checked");
    out_number(c->out, "pages", scan->owned_last);
    out_number(c->out, "tables", s->tables);
    out_number(c->out, "indexes", s->indexes);
    out_number(c->out, "records", s->records);
    out_number(c->out, "deleted_records", s->deleted);
    out_number(c->out, "primary_keys_recomputed", s->keys);
    out_number(c->out, "index_entries", s->entries);
    out_close(c->out);
    out_line(
        c->out,
        "%u pages, %llu tables, %llu secondary indexes, %llu records, %llu primary keys recomputed, %llu index entries",
        scan->owned_last, (unsigned long long)s->tables, (unsigned long long)s->indexes, (unsigned long long)s->records,
        (unsigned long long)s->keys, (unsigned long long)s->entries);
}

static int check_reader(struct out *o, const char *path, struct reader *r) {
    struct checker c = {.out = o, .db = r->db};
    struct page_scan scan = {0};
    unsigned depth = o->depth;
    JET_ERR err = check_database(&c, r, &scan);
    while (o->depth > depth)
        out_close(o);
    if (err < JET_errSuccess) {
        complain(path, "%s", err_words(err));
        out_string(o, "error", err_name(err));
    } else {
        write_notes(&c, &scan);
        write_stats(&c, &scan);
        out_number(o, "finding_count", c.findings);
        out_line(o, c.findings ? "DAMAGED: %llu findings" : "no damage", (unsigned long long)c.findings);
    }
    pages_done(&scan);
    checker_done(&c);
    return err < JET_errSuccess ? EXIT_FAILED : c.findings ? EXIT_DAMAGE : EXIT_DONE;
}

static int run_check(const struct args *args) {
    const char *path = args->operands[0];
    struct reader *r = NULL;
    struct out o;
    char why[256];

    out_start(&o, args_has(args, "json"));
    out_string(&o, "file", path);
    int code = reader_open_or_complain(path, &r, why);
    if (code == EXIT_DONE)
        code = check_reader(&o, path, r);
    else
        out_string(&o, "error", why);
    out_string(&o, "result", code == EXIT_DONE ? "good" : code == EXIT_DAMAGE ? "damaged" : "failed");
    out_finish(&o);
    reader_close(r);
    return code;
}

static const struct option_def options[] = {OPTION_JSON, OPTIONS_END};

const struct command command_check = {
    .name = "check",
    .operands = "DB",
    .summary = "check the whole of a database",
    .details = "Every page, the structure of every tree, the space accounts (each page has exactly one use), the "
               "catalog against its\n"
               "shadow, the records of each table and their primary keys, and that every index entry leads to a "
               "record. A state\n"
               "other than clean shutdown is a note. Nothing is changed.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_check,
};
