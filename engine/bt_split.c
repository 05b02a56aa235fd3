/* Splits.
 *
 * A page is split by moving the nodes behind a point to a new page on its right; the parent gets a separator for the
 * page that stays, and its old node then leads to the new page:
 *
 *     parent  ... [K: page] ...        ->   ... [S: page] [K: fresh] ...       S: shortest key that tells them apart
 *     page    a b c d e                ->   page a b c      fresh d e
 *
 * So K keeps its place, which is what the rule for the last separator of an internal page asks for. A root is not
 * split but pushed down: all its nodes move to a new page, its only child, which is split next if need be.
 *
 * The change that found no room takes part in the split of a leaf: the point is chosen as if it had been made, and it
 * is made in the same mini-transaction. That is the only way for a node that fits beside no other. Behind the last node
 * of the tree the new page gets the new node alone. Where even that does not fit (a large node between two others) the
 * page is first split at the place of the change.
 *
 * The new page's prefix is the key, or a part of it, with which its nodes take the least room. One candidate is the
 * node that had the longest prefix so far: with it the nodes take no more room than before, so what fitted fits. */
#include <assert.h>

#include "engine/bt_priv.h"
#include "engine/db.h"
#include "engine/space.h"

#define TAG_BYTES 4u
#define PREFIX_USELESS 2u /* page.h: a prefix must be longer */

/* The nodes of a page as they are after an edit. */
struct view {
    const struct page *page;
    const struct bt_edit *edit;
    unsigned count;
};

static struct view view_of(const struct page *page, const struct bt_edit *edit) {
    return (struct view){page, edit, page_lines(page) + (edit->kind == BT_EDIT_INSERT)};
}

static void view_node(const struct view *v, unsigned i, struct node *out) {
    const struct bt_edit *edit = v->edit;
    if (edit->kind == BT_EDIT_INSERT && i == edit->line) {
        *out = (struct node){
            .flags = (uint8_t)edit->flags, .prefix = slice("", 0), .suffix = edit->key, .data = edit->data};
        return;
    }
    page_node(v->page, i - (edit->kind == BT_EDIT_INSERT && i > edit->line), out);
    if (edit->kind == BT_EDIT_UPDATE && i == edit->line) {
        out->flags = (uint8_t)edit->flags;
        out->data = edit->data;
    }
}

/* ---- room ---- */

static size_t common_bytes(struct slice a, struct slice b) {
    size_t n = a.n < b.n ? a.n : b.n, i = 0;
    while (i < n && a.p[i] == b.p[i])
        i++;
    return i;
}

static size_t common_with(const struct node *n, struct slice key) {
    size_t shared = common_bytes(n->prefix, key);
    return shared < n->prefix.n ? shared : shared + common_bytes(n->suffix, slice(key.p + shared, key.n - shared));
}

/* Of a node and its tag, on a page with whose tag 0 its key shares that many bytes. */
static size_t bytes_sharing(const struct node *n, size_t shared) {
    size_t used = shared > PREFIX_USELESS ? shared : 0;
    return TAG_BYTES + (used ? 4 : 2) + n->prefix.n + n->suffix.n - used + n->data.n;
}

/* On the page that stays. */
static size_t bytes_here(const struct view *v, unsigned i) {
    struct node n;
    view_node(v, i, &n);
    if (v->edit->kind == BT_EDIT_INSERT && i == v->edit->line)
        return bytes_sharing(&n, common_with(&n, page_external_header(v->page)));
    return bytes_sharing(&n, n.prefix.n);
}

static size_t page_room(const struct page *p) {
    return p->size - page_header_bytes(p->size) - TAG_BYTES;
}

/* Bytes of nodes from.. on a new page whose prefix is taken from the key of node c: as much of it as another one
 * shares. A single node is the first of many in a tree that grows at its end: they will share what it shares with the
 * last. */
static size_t bytes_with_prefix_of(const struct view *v, unsigned from, unsigned c, uint8_t *prefix,
                                   size_t *prefix_bytes) {
    struct node n, other;
    view_node(v, c, &n);
    struct slice key = slice(prefix, node_key(&n, prefix));
    size_t longest = 0, total = 0;
    if (v->count - from == 1 && from > 0) {
        view_node(v, from - 1, &other);
        longest = common_with(&other, key);
    }
    for (unsigned i = from; i < v->count; i++) {
        if (i == c)
            continue;
        view_node(v, i, &other);
        size_t shared = common_with(&other, key);
        total += bytes_sharing(&other, shared);
        longest = shared > longest ? shared : longest;
    }
    *prefix_bytes = longest > PREFIX_USELESS ? longest : 0;
    return total + bytes_sharing(&n, longest) + *prefix_bytes;
}

static size_t bytes_without_prefix(const struct view *v, unsigned from) {
    size_t total = 0;
    for (unsigned i = from; i < v->count; i++) {
        struct node n;
        view_node(v, i, &n);
        total += bytes_sharing(&n, 0);
    }
    return total;
}

static unsigned longest_prefixed(const struct view *v, unsigned from) {
    unsigned best = from;
    size_t longest = 0;
    for (unsigned i = from; i < v->count; i++) {
        struct node n;
        view_node(v, i, &n);
        if (n.prefix.n > longest) {
            longest = n.prefix.n;
            best = i;
        }
    }
    return best;
}

/* Chooses the prefix of a new page for nodes from.. and returns what they take on it. Space trees have keys of four
 * bytes and no prefixes: then a separator never needs more room than the one it takes the place of (bt_merge.c). */
static size_t choose_prefix(const struct view *v, unsigned from, struct bt_plan *plan) {
    unsigned candidates[] = {from, from + (v->count - from) / 2, longest_prefixed(v, from)};
    size_t best = bytes_without_prefix(v, from);
    bool single = v->count - from == 1;

    plan->prefix_bytes = 0;
    if (page_flags(v->page) & PAGE_SPACE)
        return best;
    for (unsigned i = 0; i < 3; i++) {
        uint8_t prefix[KEY_BUFFER];
        size_t prefix_bytes;
        if ((i > 0 && candidates[i] == candidates[i - 1]) || (i == 2 && candidates[2] == candidates[0]))
            continue;
        size_t bytes = bytes_with_prefix_of(v, from, candidates[i], prefix, &prefix_bytes);
        if (prefix_bytes > 0 && (single ? bytes <= page_room(v->page) : bytes < best)) {
            best = bytes;
            plan->prefix_bytes = prefix_bytes;
            memcpy(plan->prefix, prefix, prefix_bytes);
        }
    }
    return best;
}

/* ---- where to split ---- */

/* The tree grows at its right end: the page keeps its nodes, only what is behind the point moves. */
static bool at_right_end(const struct page *p, const struct bt_edit *edit) {
    unsigned lines = page_lines(p);
    if (page_is_leaf(p))
        return page_next(p) == 0 && edit->line + (edit->kind == BT_EDIT_UPDATE) >= lines;
    struct node last;
    page_node(p, lines - 1, &last);
    return last.prefix.n + last.suffix.n == 0 && edit->line + 1 == lines;
}

/* Only the inserted node stays: the page then gives up its prefix (edit_left). */
static bool leaves_new_node_alone(const struct bt_edit *edit, unsigned at) {
    return edit->kind == BT_EDIT_INSERT && edit->line == 0 && at == 1;
}

/* Sets at and the prefix so that both pages hold their part; as near to the middle as can be. */
static bool choose_point(const struct view *v, bool right_end, struct bt_plan *plan) {
    size_t room = page_room(v->page), left_room = room - page_external_header(v->page).n;
    size_t total = 0, left = 0;
    unsigned at = 0;

    for (unsigned i = 0; i < v->count; i++)
        total += bytes_here(v, i);
    while (at + 1 < v->count && (at == 0 || right_end || left < total / 2)) {
        size_t more = bytes_here(v, at);
        if (left + more > left_room && !(leaves_new_node_alone(v->edit, at + 1) && more <= room))
            break;
        left += more;
        at++;
    }
    if (at == 0)
        return false;
    while (choose_prefix(v, at, plan) > room) {
        size_t more = bytes_here(v, at);
        if (at + 1 >= v->count || left + more > left_room)
            return false;
        left += more;
        at++;
    }
    plan->at = at;
    return true;
}

/* Leaves: the shortest prefix of the right page's first key that is above the left page's last one. Internal pages: the
 * last separator that stays. */
static void choose_separator(const struct view *v, struct bt_plan *plan) {
    struct node left, right;
    uint8_t left_key[KEY_BUFFER];
    view_node(v, plan->at - 1, &left);
    if (!page_is_leaf(v->page)) {
        plan->separator_bytes = node_key(&left, plan->separator);
        return;
    }
    view_node(v, plan->at, &right);
    size_t bytes = node_key(&right, plan->separator);
    size_t shared = common_bytes(slice(plan->separator, bytes), slice(left_key, node_key(&left, left_key)));
    plan->separator_bytes = shared < bytes ? shared + 1 : bytes;
}

static JET_ERR plan_page(const struct page *p, const struct bt_edit *edit, struct bt_plan *plan) {
    JET_ERR err = JET_errSuccess;
    unsigned lines = page_lines(p);
    struct view v = view_of(p, edit);

    plan->edit = *edit;
    plan->page_flags = page_flags(p) & (PAGE_LEAF | PAGE_PARENT_OF_LEAF | PAGE_TYPE_MASK);
    if (v.count < 2 || !choose_point(&v, at_right_end(p, edit), plan)) {
        if (lines < 2)
            FAIL(JET_errRecordTooBig);
        plan->edit = (struct bt_edit){.kind = BT_EDIT_NONE, .line = edit->line};
        v = view_of(p, &plan->edit);
        plan->at = edit->line == 0 ? 1 : edit->line >= lines ? lines - 1 : edit->line;
        if (choose_prefix(&v, plan->at, plan) > page_room(p))
            FAIL(JET_errRecordTooBig);
    }
    choose_separator(&v, plan);
cleanup:
    return err;
}

/* All nodes of the root go to its new child; of an empty one the node that is too large to stand beside a space header.
 */
static JET_ERR plan_root(const struct page *root, const struct bt_edit *edit, struct bt_plan *plan) {
    JET_ERR err = JET_errSuccess;
    bool empty = page_lines(root) == 0;
    plan->edit = empty ? *edit : (struct bt_edit){.kind = BT_EDIT_NONE};
    struct view v = view_of(root, &plan->edit);
    if (v.count == 0 || (empty && bytes_without_prefix(&v, 0) > page_room(root)))
        FAIL(JET_errRecordTooBig);
    plan->page_flags = page_flags(root) & (PAGE_LEAF | PAGE_PARENT_OF_LEAF | PAGE_TYPE_MASK);
    choose_prefix(&v, 0, plan);
cleanup:
    return err;
}

JET_ERR bt_plan(struct mtr *m, const struct bt_id *id, const struct bt_path *path, const struct bt_edit *edit,
                struct bt_plan *plan) {
    JET_ERR err = JET_errSuccess;
    struct bt_peek peek = {0};
    bool fits = false;

    for (plan->level = path->depth - 1; plan->level > 0; plan->level--) {
        struct bt_edit above = {.kind = BT_EDIT_NONE, .line = path->at[plan->level].line};
        CALL(bt_peek(m, id, path->at[plan->level].pgno, &peek));
        CALL(plan_page(&peek.page, plan->level == path->depth - 1 ? edit : &above, plan));
        bt_unpeek(&peek);
        CALL(bt_peek(m, id, path->at[plan->level - 1].pgno, &peek));
        fits = page_fits(&peek.page, slice(plan->separator, plan->separator_bytes), 4);
        bt_unpeek(&peek);
        if (fits)
            goto cleanup;
    }
    if (path->depth == BT_DEPTH_MAX - 1)
        FAIL(JET_errBadParentPageLink);
    CALL(bt_peek(m, id, id->root, &peek));
    CALL(plan_root(&peek.page, edit, plan));
cleanup:
    bt_unpeek(&peek);
    return err;
}

/* ---- doing it ---- */

static JET_ERR fill(struct mtr *m, struct page *fresh, const struct view *v, unsigned from,
                    const struct bt_plan *plan) {
    JET_ERR err = JET_errSuccess;
    if (plan->prefix_bytes)
        CALL(mtr_set_external_header(m, fresh, slice(plan->prefix, plan->prefix_bytes)));
    for (unsigned i = from; i < v->count; i++) {
        struct node n;
        uint8_t key[KEY_BUFFER];
        view_node(v, i, &n);
        size_t key_bytes = node_key(&n, key);
        CALL(mtr_insert(m, fresh, i - from, n.flags & ~(unsigned)NODE_COMPRESSED, slice(key, key_bytes), n.data));
    }
cleanup:
    return err;
}

static JET_ERR push_root_down(struct mtr *m, const struct bt_id *id, const struct bt_plan *plan, struct page *fresh) {
    JET_ERR err = JET_errSuccess;
    struct page *root;
    uint8_t child[4];

    CALL(bt_latch(m, id, id->root, &root));
    struct view v = view_of(root, &plan->edit);
    CALL(fill(m, fresh, &v, 0, plan));
    uint32_t flags = page_flags(root) & ~(uint32_t)(PAGE_LEAF | PAGE_PARENT_OF_LEAF);
    uint32_t parent_flag = page_is_leaf(root) ? PAGE_PARENT_OF_LEAF : 0;
    CALL(mtr_delete(m, root, 0, page_lines(root)));
    CALL(mtr_set_page_flags(m, root, flags | parent_flag));
    store32(child, mtr_pgno(fresh));
    CALL(mtr_insert(m, root, 0, 0, slice("", 0), slice(child, 4)));
cleanup:
    return err;
}

/* [K: page] becomes [S: page] [K: fresh]. */
static JET_ERR split_parent_node(struct mtr *m, const struct bt_id *id, const struct bt_path *path,
                                 const struct bt_plan *plan, pgno_t fresh) {
    JET_ERR err = JET_errSuccess;
    struct page *parent;
    struct node node;
    uint8_t child[4];
    pgno_t page = path->at[plan->level].pgno;
    unsigned line = path->at[plan->level - 1].line;

    CALL(bt_latch(m, id, path->at[plan->level - 1].pgno, &parent));
    page_node(parent, line, &node);
    if (node_child(&node) != page)
        FAIL(JET_errInternalError);
    store32(child, fresh);
    CALL(mtr_replace(m, parent, line, slice(child, 4)));
    store32(child, page);
    CALL(mtr_insert(m, parent, line, 0, slice(plan->separator, plan->separator_bytes), slice(child, 4)));
cleanup:
    return err;
}

static JET_ERR link_leaf(struct mtr *m, const struct bt_id *id, struct page *page, struct page *fresh) {
    JET_ERR err = JET_errSuccess;
    pgno_t left = mtr_pgno(page), right = mtr_pgno(fresh), next = page_next(page);

    if (next) {
        struct page *after;
        CALL(bt_latch_sibling(m, id, next, left, true, &after));
        CALL(mtr_set_links(m, after, right, page_next(after)));
    }
    CALL(mtr_set_links(m, fresh, left, next));
    CALL(mtr_set_links(m, page, page_prev(page), right));
cleanup:
    return err;
}

/* What the edit does to the page that stays, after its nodes from `at` on are gone. */
static JET_ERR edit_left(struct mtr *m, struct page *page, const struct bt_plan *plan) {
    JET_ERR err = JET_errSuccess;
    const struct bt_edit *edit = &plan->edit;

    if (edit->line >= plan->at)
        return JET_errSuccess;
    if (leaves_new_node_alone(edit, plan->at))
        CALL(mtr_set_external_header(m, page, slice("", 0)));
    if (edit->kind == BT_EDIT_INSERT)
        CALL(mtr_insert(m, page, edit->line, edit->flags, edit->key, edit->data));
    if (edit->kind == BT_EDIT_UPDATE) {
        CALL(mtr_replace(m, page, edit->line, edit->data));
        CALL(mtr_set_node_flags(m, page, edit->line, edit->flags));
    }
cleanup:
    return err;
}

JET_ERR bt_split(struct mtr *m, const struct bt_id *id, const struct bt_path *path, const struct bt_plan *plan,
                 struct page *fresh) {
    JET_ERR err = JET_errSuccess;
    struct page *page;

    if (plan->level == 0)
        return push_root_down(m, id, plan, fresh);
    CALL(bt_latch(m, id, path->at[plan->level].pgno, &page));
    struct view v = view_of(page, &plan->edit);
    CALL(fill(m, fresh, &v, plan->at, plan));
    unsigned stay = plan->at - (plan->edit.kind == BT_EDIT_INSERT && plan->edit.line < plan->at);
    if (stay < page_lines(page))
        CALL(mtr_delete(m, page, stay, page_lines(page) - stay));
    CALL(edit_left(m, page, plan));
    if (page_is_leaf(page))
        CALL(link_leaf(m, id, page, fresh));
    CALL(split_parent_node(m, id, path, plan, mtr_pgno(fresh)));
cleanup:
    return err;
}

JET_ERR bt_split_once(struct tree *tree, const struct bt_path *path, const struct bt_edit *edit,
                      struct bt_change *change, bool *done) {
    JET_ERR err = JET_errSuccess;
    struct bt_id id = bt_id_of(tree);
    struct bt_plan plan;
    struct page *fresh;
    struct mtr m;

    *done = false;
    CALL(bt_plan(NULL, &id, path, edit, &plan)); /* holds as long as the tree latch is ours alone */
    bool with_edit = plan.edit.kind != BT_EDIT_NONE;
    mtr_begin(&m, tree->db, with_edit ? change->trx : NULL);
    if (with_edit)
        bt_begin_change(&m, change);
    mtr_lock_space(&m, tree); /* before the first page latch */
    err = space_alloc(&m, tree, plan.page_flags, &fresh);
    if (err >= JET_errSuccess)
        err = bt_split(&m, &id, path, &plan, fresh);
    if (err >= JET_errSuccess)
        err = mtr_commit(&m, NULL, with_edit ? &change->end : NULL);
    mtr_end(&m);
    CALL(err);
    *done = with_edit;
cleanup:
    return err;
}
