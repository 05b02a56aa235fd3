/* A whole generation in memory: how the reader, the verifier and a writer that goes on look at a file. */
#include <stdlib.h>

#include "log/log_priv.h"

static JET_ERR ensure_room(struct log_image *image, uint32_t bytes) {
    if (image->room >= bytes)
        return JET_errSuccess;
    free(image->bytes);
    image->room = 0;
    image->bytes = malloc(bytes);
    if (!image->bytes)
        return RAISE(JET_errOutOfMemory);
    image->room = bytes;
    return JET_errSuccess;
}

JET_ERR log_image_load(struct log_image *image, const char *path) {
    JET_ERR err = JET_errSuccess;
    struct os_file *file = NULL;
    uint64_t file_bytes;
    struct log_header *header = malloc(sizeof *header);
    if (!header)
        FAIL(JET_errOutOfMemory);
    CALL(os_open(path, OS_READ | OS_SEQUENTIAL, &file));
    CALL(os_size(file, &file_bytes));
    CALL(ensure_room(image, LOG_SECTOR));
    if (file_bytes < LOG_SECTOR)
        FAIL(JET_errLogFileCorrupt);
    CALL(os_read(file, 0, image->bytes, LOG_SECTOR));
    CALL(log_header_decode(image->bytes, header));
    if (header->file_bytes != file_bytes)
        FAIL(JET_errLogFileSizeMismatch);
    CALL(ensure_room(image, header->file_bytes));
    CALL(os_read(file, 0, image->bytes, header->file_bytes));
    image->header = *header;
    image->seed = log_frame_seed(&header->signature, header->gen);
cleanup:
    os_close(file);
    free(header);
    return err;
}

void log_image_done(struct log_image *image) {
    free(image->bytes);
    image->bytes = NULL;
    image->room = 0;
}
