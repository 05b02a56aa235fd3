/* One line of text per record of the engine, for esentutl. What does not decode is printed as damaged, not trusted. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "engine/logrec.h"

/* A line that grows; counts on when it is full, as snprintf does. */
struct line {
    char *out;
    size_t room, used;
};

__attribute__((format(printf, 2, 3))) static void add(struct line *l, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t left = l->used < l->room ? l->room - l->used : 0;
    int n = vsnprintf(left ? l->out + l->used : NULL, left, format, args);
    va_end(args);
    l->used += n > 0 ? (size_t)n : 0;
}

static void add_hex(struct line *l, struct slice s) {
    for (size_t i = 0; i < s.n && i < 16; i++)
        add(l, "%02x", s.p[i]);
    if (s.n > 16)
        add(l, ".. (%zu bytes)", s.n);
}

static const char *undo_name(uint8_t op) {
    switch ((enum undo_op)op) {
    case UNDO_INSERT:
        return "insert";
    case UNDO_REPLACE:
        return "replace";
    case UNDO_DELETE:
        return "delete";
    case UNDO_CREATE_TREE:
        return "create-tree";
    case UNDO_DELETE_TREE:
        return "delete-tree";
    case UNDO_TREE_FREED:
        return "tree-freed";
    }
    return "?";
}

static const char *op_name(uint8_t op) {
    switch ((enum page_op)op) {
    case OP_IMAGE:
        return "image";
    case OP_INSERT:
        return "insert";
    case OP_REPLACE:
        return "replace";
    case OP_FLAGS:
        return "flags";
    case OP_DELETE:
        return "delete";
    case OP_HEADER:
        return "header";
    case OP_LINKS:
        return "links";
    case OP_PAGEFLAGS:
        return "page-flags";
    }
    return "?";
}

/* Bytes of the operation at the front of ops; 0: not one. */
static size_t op_bytes(struct slice ops) {
    size_t n = 0;
    if (ops.n < 3)
        return 0;
    switch ((enum page_op)ops.p[0]) {
    case OP_IMAGE:
        n = ops.n < 5 ? 0 : 5 + (size_t)load32(ops.p + 1);
        break;
    case OP_INSERT:
        n = ops.n < 8 ? 0 : 8 + (size_t)load16(ops.p + 4) + load16(ops.p + 6);
        break;
    case OP_REPLACE:
        n = ops.n < 5 ? 0 : 5 + (size_t)load16(ops.p + 3);
        break;
    case OP_FLAGS:
        n = 4;
        break;
    case OP_DELETE:
        n = 5;
        break;
    case OP_HEADER:
        n = 3 + (size_t)load16(ops.p + 1);
        break;
    case OP_LINKS:
        n = 9;
        break;
    case OP_PAGEFLAGS:
        n = 5;
        break;
    }
    return n <= ops.n ? n : 0;
}

static void print_ops(struct line *l, struct slice ops) {
    while (ops.n) {
        size_t n = op_bytes(ops);
        if (n == 0) {
            add(l, " DAMAGED");
            return;
        }
        switch ((enum page_op)ops.p[0]) {
        case OP_IMAGE:
            add(l, " image %u bytes", load32(ops.p + 1));
            break;
        case OP_INSERT:
        case OP_REPLACE:
        case OP_FLAGS:
        case OP_DELETE:
            add(l, " %s line %u", op_name(ops.p[0]), load16(ops.p + 1));
            break;
        case OP_HEADER:
            add(l, " header %u bytes", load16(ops.p + 1));
            break;
        case OP_LINKS:
            add(l, " links %u %u", load32(ops.p + 1), load32(ops.p + 5));
            break;
        case OP_PAGEFLAGS:
            add(l, " page-flags 0x%x", load32(ops.p + 1));
            break;
        }
        if (ops.p[0] == OP_INSERT) {
            add(l, " key ");
            add_hex(l, slice(ops.p + 8, load16(ops.p + 4)));
            add(l, " data %u bytes", load16(ops.p + 6));
        } else if (ops.p[0] == OP_DELETE) {
            add(l, " count %u", load16(ops.p + 3));
        }
        ops = slice(ops.p + n, ops.n - n);
        if (ops.n)
            add(l, ",");
    }
}

static bool print_change(struct line *l, struct slice payload) {
    struct change c;
    struct change_page page;
    if (change_decode(payload, &c) < JET_errSuccess)
        return false;
    add(l, "change db %u dbtime %" PRIu64 " trx %" PRIu64 "%s", c.dbid, c.dbtime, c.trx,
        c.compensates ? " compensates" : "");
    if (c.has_undo) {
        add(l, " undo %s fdp %u key ", undo_name(c.undo.op), c.undo.fdp);
        add_hex(l, c.undo.key);
    }
    while (c.pages.n && change_next_page(&c.pages, &page) >= JET_errSuccess) {
        add(l, " | page %u (%" PRIu64 ")", page.pgno, page.before);
        print_ops(l, page.ops);
    }
    return true;
}

static bool print_database(struct line *l, const char *what, struct slice payload) {
    if (payload.n < 38 || payload.n != 38u + load16(payload.p + 36))
        return false;
    add(l, "%s db %u page size %u signature %08x path %.*s", what, payload.p[0], load32(payload.p + 4),
        load32(payload.p + 8), (int)load16(payload.p + 36), (const char *)payload.p + 38);
    return true;
}

static bool print_backup(struct line *l, struct slice payload) {
    static const char *const phases[] = {"?", "begin", "stamp"};
    static const char *const kinds[] = {"?", "full", "incremental", "copy", "differential"};
    if (payload.n != 28)
        return false;
    uint8_t phase = payload.p[0], kind = payload.p[1];
    add(l, "backup %s %s db %u generations %u to %u", phases[phase <= 2 ? phase : 0],
        kinds[kind <= STAMP_DIFFERENTIAL ? kind : 0], payload.p[2], load32(payload.p + 20), load32(payload.p + 24));
    return true;
}

static bool print_time(struct line *l, const char *what, struct slice payload) {
    JET_LOGTIME t;
    char text[32];
    if (payload.n != sizeof t)
        return false;
    memcpy(&t, payload.p, sizeof t);
    clock_logtime_text(&t, text);
    add(l, "%s %s", what, text);
    return true;
}

static bool print_trx(struct line *l, const char *what, struct slice payload) {
    if (payload.n != 8)
        return false;
    add(l, "%s trx %" PRIu64, what, load64(payload.p));
    return true;
}

static bool print_record(struct line *l, uint8_t type, struct slice payload) {
    switch ((enum logrec_type)type) {
    case LOGREC_CHANGE:
        return print_change(l, payload);
    case LOGREC_COMMIT:
        return print_trx(l, "commit", payload);
    case LOGREC_ROLLBACK:
        return print_trx(l, "rollback", payload);
    case LOGREC_CREATE_DB:
        return print_database(l, "create", payload);
    case LOGREC_ATTACH_DB:
        return print_database(l, "attach", payload);
    case LOGREC_DETACH_DB:
        add(l, "detach db %u", payload.n ? payload.p[0] : 0);
        return payload.n == 1;
    case LOGREC_BACKUP:
        return print_backup(l, payload);
    case LOGREC_INIT:
        return print_time(l, "init", payload);
    case LOGREC_TERM:
        return print_time(l, "term", payload);
    }
    add(l, "type %u", type);
    return false;
}

int logrec_print(uint8_t type, struct slice payload, char *out, size_t bytes) {
    struct line l = {out, bytes, 0};
    if (bytes)
        out[0] = 0;
    if (!print_record(&l, type, payload))
        add(&l, " DAMAGED (type %u, %zu bytes)", type, payload.n);
    return (int)l.used;
}
