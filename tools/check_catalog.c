/* The catalog as a list of records, and the same list once more in the shadow. */
#include "tools/check.h"

JET_ERR check_load_catalog(struct checker *c, pgno_t fdp, objid_t objid, const char *name, struct cat_rows *rows) {
    c->tree = name;
    JET_ERR err = cat_rows_load(c->db, fdp, objid, rows);
    for (size_t i = 0; i < rows->count; i++) {
        const struct cat_row *row = &rows->rows[i];
        if (row->err < JET_errSuccess)
            check_finding(c, row->pgno, (int)row->line, "a catalog record cannot be decoded: %s", err_name(row->err));
    }
    if (err >= JET_errSuccess || is_fatal(err))
        return err;
    check_finding(c, 0, -1, "cannot be read to its end: %s", err_name(err));
    return JET_errSuccess;
}

static void name_row(struct checker *c, const struct cat_row *row, const char *what) {
    const struct cat_record *r = &row->record;
    if (row->err >= JET_errSuccess)
        check_finding(c, row->pgno, (int)row->line, "%s: object %u, type %u, id %u, %.*s", what, r->table, r->type,
                      r->id, (int)r->name.n, (const char *)r->name.p);
    else
        check_finding(c, row->pgno, (int)row->line, "%s", what);
}

/* Two ascending lists side by side. */
static void compare_rows(struct checker *c, const struct cat_rows *catalog, const struct cat_rows *shadow) {
    size_t i = 0, k = 0;
    while (i < catalog->count || k < shadow->count) {
        int order = i == catalog->count  ? 1
                    : k == shadow->count ? -1
                                         : slice_compare(catalog->rows[i].key, shadow->rows[k].key);
        if (order < 0)
            name_row(c, &catalog->rows[i], "a catalog record is missing in the shadow");
        else if (order > 0)
            name_row(c, &shadow->rows[k], "a record of the shadow is missing in the catalog");
        else if (slice_compare(catalog->rows[i].data, shadow->rows[k].data) != 0)
            name_row(c, &shadow->rows[k], "a record of the shadow differs from that of the catalog");
        i += order <= 0;
        k += order >= 0;
    }
}

JET_ERR check_shadow(struct checker *c, const struct cat_rows *catalog) {
    struct cat_rows shadow = {0};
    JET_ERR err = check_load_catalog(c, CAT_SHADOW_FDP, CAT_SHADOW_OBJID, "MSysObjectsShadow", &shadow);
    if (err >= JET_errSuccess && shadow.count == 0 && catalog->count > 0)
        check_finding(c, CAT_SHADOW_FDP, -1, "the shadow catalog is empty; the catalog has %zu records",
                      catalog->count);
    else if (err >= JET_errSuccess)
        compare_rows(c, catalog, &shadow);
    cat_rows_free(&shadow);
    return err;
}
