/* The page accounts of a database. For every tree
 *
 *     owned = pages of the tree + pages of OE and AE + available + owned by the trees below it
 *
 * must hold without overlap. Seen from one page that is: exactly one tree uses it, and its owners are that tree and all
 * trees above it. So two words per page are enough: the user, and a sum over the owners that tells sets of them apart.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/space_priv.h"

#define LEVELS_MAX 16u

struct space_accounts {
    struct db *db;
    uint32_t page_count;
    const struct tree **user; /* by page */
    uint64_t *owners;         /* by page: sum of owner_mark() */
    /* while a tree is added */
    const struct tree *tree;
    bt_report_fn report;
    void *context;
};

static uint64_t owner_mark(const struct tree *tree) {
    return (tree->fdp + 1ull) * 0x9e3779b97f4a7c15ull;
}

JET_ERR space_accounts_new(struct db *db, struct space_accounts **out) {
    struct space_accounts *a = calloc(1, sizeof *a);
    uint32_t count = atomic_load(&db->page_count);
    if (a) {
        a->db = db;
        a->page_count = count;
        a->user = calloc((size_t)count + 1, sizeof *a->user);
        a->owners = calloc((size_t)count + 1, sizeof *a->owners);
    }
    if (!a || !a->user || !a->owners) {
        space_accounts_free(a);
        return RAISE(JET_errOutOfMemory);
    }
    *out = a;
    return JET_errSuccess;
}

void space_accounts_free(struct space_accounts *a) {
    if (!a)
        return;
    free(a->user);
    free(a->owners);
    free(a);
}

__attribute__((format(printf, 3, 4))) static void finding(struct space_accounts *a, pgno_t pgno, const char *format,
                                                          ...) {
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    a->report(a->context, pgno, text);
}

static void use_page(void *context, pgno_t pgno) {
    struct space_accounts *a = context;
    if (pgno < 1 || pgno > a->page_count)
        return; /* the structure check has said so */
    if (a->user[pgno])
        finding(a, pgno, "used by the tree of page %u and by that of page %u", a->user[pgno]->fdp, a->tree->fdp);
    a->user[pgno] = a->tree;
}

/* Pages of OE and AE were met in the structure check; what is new are those of split buffers. */
static void use_space_page(void *context, pgno_t pgno) {
    struct space_accounts *a = context;
    if (pgno >= 1 && pgno <= a->page_count && a->user[pgno] != a->tree)
        use_page(a, pgno);
}

static void use_extent(void *context, pgno_t first, uint32_t count, bool available) {
    struct space_accounts *a = context;
    for (uint32_t i = 0; i < count; i++) {
        pgno_t pgno = first + i;
        if (pgno < 1 || pgno > a->page_count)
            return;
        if (available)
            use_page(a, pgno);
        else
            a->owners[pgno] += owner_mark(a->tree);
    }
}

static void forward(void *context, pgno_t pgno, const char *what) {
    struct space_accounts *a = context;
    a->report(a->context, pgno, what);
}

JET_ERR space_accounts_add(struct space_accounts *a, struct tree *tree, bt_report_fn report, void *context) {
    JET_ERR err = JET_errSuccess;

    assert(tree->db == a->db);
    a->tree = tree;
    a->report = report;
    a->context = context;
    CALL(bt_check(tree, forward, use_page, a));
    err = space_extents(tree, use_extent, use_space_page, a);
    if (err != JET_errOutOfMemory && err != JET_errOutOfBuffers)
        err = JET_errSuccess; /* a finding already */
cleanup:
    return err;
}

static uint64_t marks_above(const struct tree *tree) {
    uint64_t marks = 0;
    for (unsigned level = 0; tree && level < LEVELS_MAX; level++, tree = tree->parent)
        marks += owner_mark(tree);
    return marks;
}

void space_accounts_finish(struct space_accounts *a, bt_report_fn report, void *context) {
    a->report = report;
    a->context = context;
    for (pgno_t pgno = 1; pgno <= a->page_count; pgno++) {
        const struct tree *user = a->user[pgno];
        if (!user && a->owners[pgno])
            finding(a, pgno, "owned and without a use (leaked)");
        else if (user && a->owners[pgno] != marks_above(user))
            finding(a, pgno, "used by the tree of page %u, but not owned by just that and those above it", user->fdp);
    }
}
