/* Who has a table open: for the flags that deny it to others, and for what must not happen to an open table. */
#include "engine/cat.h"
#include "engine/db.h"

static bool conflicts(const struct cat_user *a, const struct cat_user *b) {
    return a->denies_read || b->denies_read || (a->denies_write && b->writes) || (b->denies_write && a->writes);
}

JET_ERR cat_enter(struct tree *tree, struct cat_user *user) {
    JET_ERR err = JET_errSuccess;

    os_mutex_lock(&tree->db->trees_mutex);
    for (const struct cat_user *other = tree->users; other; other = other->next)
        if (other->session != user->session && conflicts(other, user))
            FAIL(JET_errTableLocked);
    user->tree = tree;
    user->previous = NULL;
    user->next = tree->users;
    if (user->next)
        user->next->previous = user;
    tree->users = user;
    atomic_fetch_add(&tree->open_cursors, 1);
cleanup:
    os_mutex_unlock(&tree->db->trees_mutex);
    return err;
}

void cat_leave(struct cat_user *user) {
    struct tree *tree = user->tree;
    if (!tree)
        return;
    os_mutex_lock(&tree->db->trees_mutex);
    *(user->previous ? &user->previous->next : &tree->users) = user->next;
    if (user->next)
        user->next->previous = user->previous;
    atomic_fetch_sub(&tree->open_cursors, 1);
    os_mutex_unlock(&tree->db->trees_mutex);
    user->tree = NULL;
}

bool cat_is_open(struct tree *tree, const struct session *but_by) {
    bool open = false;
    os_mutex_lock(&tree->db->trees_mutex);
    for (const struct cat_user *user = tree->users; user && !open; user = user->next)
        open = user->session != but_by;
    os_mutex_unlock(&tree->db->trees_mutex);
    return open;
}
