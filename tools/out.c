/* Text with aligned labels, or JSON: commands say what there is once. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "tools/tool.h"

#define LABEL_WIDTH 36
#define TEXT_BYTES 8192

/* ---- JSON ---- */

/* Bytes of the UTF-8 sequence at p; 0: it is none. */
static size_t utf8_length(const unsigned char *p, size_t left) {
    size_t n = p[0] < 0x80                   ? 1
               : p[0] >= 0xc2 && p[0] < 0xe0 ? 2
               : (p[0] & 0xf0) == 0xe0       ? 3
               : p[0] >= 0xf0 && p[0] < 0xf5 ? 4
                                             : 0;
    if (n == 0 || n > left)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool beyond = (p[0] == 0xed && p[1] >= 0xa0) || (p[0] == 0xf4 && p[1] >= 0x90); /* surrogates, above U+10FFFF */
    return overlong || beyond ? 0 : n;
}

void json_string(FILE *to, const char *text, size_t bytes) {
    const unsigned char *p = (const unsigned char *)text, *end = p + bytes;
    fputc('"', to);
    while (p < end) {
        size_t n = utf8_length(p, (size_t)(end - p));
        if (n == 0)
            fputs("\\ufffd", to);
        else if (*p == '"' || *p == '\\')
            fprintf(to, "\\%c", *p);
        else if (*p == '\n')
            fputs("\\n", to);
        else if (*p < 0x20 || *p == 0x7f)
            fprintf(to, "\\u%04x", *p);
        else
            fwrite(p, 1, n, to);
        p += n ? n : 1;
    }
    fputc('"', to);
}

/* What stands before a value: comma, line, indentation, key. */
static void begin_value(struct out *o, const char *key) {
    if (o->depth > 0) {
        assert(o->array[o->depth - 1] == !key);
        printf("%s\n%*s", o->filled[o->depth - 1] ? "," : "", 2 * (int)o->depth, "");
        o->filled[o->depth - 1] = true;
    }
    if (key) {
        json_string(stdout, key, strlen(key));
        fputs(": ", stdout);
    }
}

static void open_value(struct out *o, const char *key, bool array) {
    assert(o->depth < OUT_DEPTH_MAX);
    if (o->json) {
        begin_value(o, key);
        putchar(array ? '[' : '{');
    }
    o->array[o->depth] = array;
    o->filled[o->depth] = false;
    o->depth++;
}

void out_open_object(struct out *o, const char *key) {
    open_value(o, key, false);
}
void out_open_array(struct out *o, const char *key) {
    open_value(o, key, true);
}

void out_close(struct out *o) {
    assert(o->depth > 0);
    o->depth--;
    if (!o->json)
        return;
    if (o->filled[o->depth])
        printf("\n%*s", 2 * (int)o->depth, "");
    putchar(o->array[o->depth] ? ']' : '}');
}

void out_start(struct out *o, bool json) {
    *o = (struct out){.json = json};
    open_value(o, NULL, false);
}

void out_finish(struct out *o) {
    while (o->depth > 0)
        out_close(o);
    if (o->json)
        putchar('\n');
}

void out_string(struct out *o, const char *key, const char *value) {
    if (o->json) {
        begin_value(o, key);
        json_string(stdout, value, strlen(value));
    }
}

void out_number(struct out *o, const char *key, uint64_t value) {
    if (o->json) {
        begin_value(o, key);
        printf("%llu", (unsigned long long)value);
    }
}

void out_bool(struct out *o, const char *key, bool value) {
    if (o->json) {
        begin_value(o, key);
        fputs(value ? "true" : "false", stdout);
    }
}

void out_null(struct out *o, const char *key) {
    if (o->json) {
        begin_value(o, key);
        fputs("null", stdout);
    }
}

/* ---- text ---- */

static void indent(const struct out *o) {
    printf("%*s", (int)o->indent, "");
}

static void print_label(const struct out *o, const char *label, const char *value) {
    indent(o);
    printf("%-*s %s\n", LABEL_WIDTH, label, value);
}

void out_line(struct out *o, const char *format, ...) {
    if (o->json)
        return;
    va_list args;
    va_start(args, format);
    indent(o);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
}

void out_label(struct out *o, const char *label, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list args;
    if (o->json)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    print_label(o, label, text);
}

/* ---- both ---- */

void out_field(struct out *o, const char *key, const char *label, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (o->json)
        out_string(o, key, text);
    else
        print_label(o, label, text);
}

void out_count(struct out *o, const char *key, const char *label, uint64_t value) {
    out_number(o, key, value);
    out_label(o, label, "%llu", (unsigned long long)value);
}

int out_exit(int code) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "esentutl: the output could not be written: %s\n", strerror(errno));
    return EXIT_FAILED;
}

/* ---- complaints ---- */

void complain(const char *path, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fprintf(stderr, "esentutl: %s: ", path);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

const char *err_words(JET_ERR err) {
    static char ring[4][256];
    static unsigned next;
    char *out = ring[next++ % 4];
    snprintf(out, sizeof ring[0], "%s (%d): %s", err_name(err), (int)err, err_text(err));
    return out;
}

/* What says that something that was read is damaged. */
static bool is_damage(JET_ERR err) {
    static const JET_ERR damage[] = {
        JET_errReadVerifyFailure,
        JET_errReadPgnoVerifyFailure,
        JET_errReadLostFlushVerifyFailure,
        JET_errPageNotInitialized,
        JET_errDatabaseCorrupted,
        JET_errCatalogCorrupted,
        JET_errLogFileCorrupt,
        JET_errLogReadVerifyFailure,
        JET_errLogCorruptDuringHardRestore,
        JET_errCheckpointCorrupt,
        JET_errBadBackupDatabaseSize,
        JET_errMissingLogFile,
        JET_errMissingRestoreLogFiles,
        JET_errInvalidLogSequence,
        JET_errBadParentPageLink,
        JET_errDbTimeTooOld,
        JET_errDbTimeTooNew,
        JET_errRequiredLogFilesMissing,
        JET_errLogFileSizeMismatch,
    };
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        if (damage[i] == err)
            return true;
    }
    return false;
}

int complain_err(const char *path, const char *what, JET_ERR err) {
    complain(path, "%s%s%s", what ? what : "", what ? ": " : "", err_words(err));
    return is_damage(err) ? EXIT_DAMAGE : EXIT_FAILED;
}
