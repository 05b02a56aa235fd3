/* One file on its own: what can be said of a generation without its neighbours. */
#include <stdlib.h>

#include "base/breaks.h"
#include "log/log_priv.h"

/* Walks the frames. False: not every frame fits to the one before; out->bad_offset is the one. */
static bool walk(const struct log_image *image, struct log_file_check *out) {
    uint32_t offset = LOG_SECTOR;
    bool end_expected = false;
    struct log_frame frame;
    while (!out->ended && log_frame_get(image->bytes, image->header.file_bytes, offset, image->seed, &frame)) {
        out->ended = frame.type == LOG_END;
        if (!out->ended) {
            if (end_expected || (!(frame.flags & LOG_FRAME_FIRST) && offset != LOG_SECTOR)) {
                out->bad_offset = offset;
                return false;
            }
            end_expected = !(frame.flags & LOG_FRAME_LAST);
            out->frames++;
        }
        offset = frame.next;
    }
    out->bytes_used = offset;
    return true;
}

JET_ERR log_file_load(const char *path, bool closed, struct log_file_check *out, uint8_t **bytes) {
    JET_ERR err = JET_errSuccess;
    struct log_image image = {0};
    *out = (struct log_file_check){0};
    CALL(log_image_load(&image, path));
    out->header = image.header;
    if (!walk(&image, out) && !BROKEN(logs_not_verified))
        FAIL(JET_errLogFileCorrupt);
    uint32_t offset = (uint32_t)out->bytes_used;
    if (!out->ended && !BROKEN(logs_not_verified) &&
        (closed || log_frames_say_damaged(image.bytes, image.header.file_bytes, offset, image.seed))) {
        out->bad_offset = offset;
        FAIL(JET_errLogFileCorrupt);
    }
    if (bytes) {
        *bytes = image.bytes;
        image.bytes = NULL;
    }
cleanup:
    log_image_done(&image);
    return err;
}

JET_ERR log_file_verify(const char *path, bool closed, struct log_file_check *out) {
    return log_file_load(path, closed, out, NULL);
}
