/* The map of a recovery: where databases are that have been moved. */
#include <stdlib.h>

#include "recovery/recovery.h"

/* A file that is not there, or is no database, leaves the entry to its path. */
static JET_ERR read_signature(struct path_map *map, struct dbheader *header) {
    struct os_file *file = NULL;
    JET_ERR err = os_open(map->to, OS_READ, &file);
    if (err >= JET_errSuccess)
        err = dbheader_read(file, header, NULL);
    os_close(file);
    map->has_signature = err >= JET_errSuccess;
    if (map->has_signature)
        map->signature = disk_signature_load(&header->sign_db);
    return err == JET_errFileNotFound || err == JET_errDatabaseCorrupted || err == JET_errInvalidDatabaseVersion
               ? JET_errSuccess
               : err;
}

JET_ERR path_map_read(struct path_map *map, unsigned count) {
    JET_ERR err = JET_errSuccess;
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);

    if (!header)
        FAIL(JET_errOutOfMemory);
    for (unsigned i = 0; i < count; i++) {
        CALL(read_signature(&map[i], header));
        for (unsigned k = 0; k < i; k++)
            if (map[i].has_signature && map[k].has_signature &&
                memcmp(&map[i].signature, &map[k].signature, sizeof map[i].signature) == 0)
                FAIL(JET_errDatabaseSignInUse);
    }
cleanup:
    free(header);
    return err;
}
