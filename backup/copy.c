/* One pass over a file: read in large pieces, sum, write. */
#include "backup/copy.h"

#include <stdlib.h>

#define PIECE_BYTES (1u << 20)

struct pass {
    struct os_file *to;
    struct summer summer;
    uint8_t *buffer; /* PIECE_BYTES, page aligned */
    uint64_t offset;
    const struct copy_progress *progress;
};

static JET_ERR pass_begin(struct pass *p, const char *to, unsigned to_flags, bool sha256,
                          const struct copy_progress *progress) {
    JET_ERR err = JET_errSuccess;

    *p = (struct pass){.progress = progress};
    p->buffer = aligned_alloc(4096, PIECE_BYTES);
    if (!p->buffer)
        FAIL(JET_errOutOfMemory);
    CALL(summer_begin(&p->summer, sha256));
    if (to)
        CALL(os_open(to, OS_WRITE | OS_SEQUENTIAL | to_flags, &p->to));
cleanup:
    return err;
}

static JET_ERR pass_put(struct pass *p, const void *data, size_t bytes) {
    JET_ERR err = JET_errSuccess;

    CALL(summer_add(&p->summer, data, bytes));
    if (p->to)
        CALL(os_write(p->to, p->offset, data, bytes));
    p->offset += bytes;
    if (p->progress)
        CALL(p->progress->advance(p->progress->context, bytes));
cleanup:
    return err;
}

static JET_ERR pass_finish(struct pass *p, struct file_sum *sum) {
    JET_ERR err = JET_errSuccess;

    if (p->to)
        CALL(os_sync(p->to));
    CALL(summer_end(&p->summer, sum));
cleanup:
    return err;
}

static void pass_end(struct pass *p) {
    os_close(p->to);
    summer_free(&p->summer);
    free(p->buffer);
}

/* The rest of a pass that has begun. */
static JET_ERR pass_through(struct pass *pass, const char *from, const struct copy_viewer *viewer,
                            struct file_sum *sum) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    uint64_t size;

    CALL(os_open(from, OS_READ | OS_SEQUENTIAL, &file));
    CALL(os_size(file, &size));
    for (uint64_t at = 0; at < size;) {
        size_t n = size - at < PIECE_BYTES ? (size_t)(size - at) : PIECE_BYTES;
        CALL(os_read(file, at, pass->buffer, n));
        if (viewer)
            viewer->see(viewer->context, at, pass->buffer, n);
        CALL(pass_put(pass, pass->buffer, n));
        at += n;
    }
    CALL(pass_finish(pass, sum));
cleanup:
    os_close(file);
    return err;
}

JET_ERR copy_file(const char *from, const char *to, unsigned to_flags, const struct copy_progress *progress,
                  bool sha256, struct file_sum *sum) {
    JET_ERR err = JET_errSuccess;
    struct pass pass = {0};

    CALL(pass_begin(&pass, to, to_flags, sha256, progress));
    CALL(pass_through(&pass, from, NULL, sum));
cleanup:
    pass_end(&pass);
    return err;
}

JET_ERR copy_view(const char *from, const struct copy_viewer *viewer, const struct copy_progress *progress, bool sha256,
                  struct file_sum *sum) {
    JET_ERR err = JET_errSuccess;
    struct pass pass = {0};

    CALL(pass_begin(&pass, NULL, 0, sha256, progress));
    CALL(pass_through(&pass, from, viewer, sum));
cleanup:
    pass_end(&pass);
    return err;
}
