/* A backup set as a tar stream: restored to a directory, and to wherever the stream says. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backup/set.h"
#include "base/os.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"
#include "tools/tar.h"

const enum fuzz_kind fuzz_kind = FUZZ_TAR;

static void put_into_stdin(const uint8_t *bytes, size_t count) {
    const int fd = memfd_create("stream", 0);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count || lseek(fd, 0, SEEK_SET) != 0 || dup2(fd, 0) < 0)
        abort();
    close(fd);
}

static JET_ERR must_be_ours(void *context, const char *name, enum os_kind kind) {
    (void)context, (void)kind;
    if (strcmp(name, "d") != 0)
        fuzz_die("%s was written", name);
    return JET_errSuccess;
}

static void restore(const uint8_t *bytes, size_t count, const char *dest) {
    struct set set;
    put_into_stdin(bytes, count);
    const struct tar_restore options = {.dir = "/d/system", .dest = dest};
    const int code = tar_restore(&options, &set);
    if (code == EXIT_DONE)
        user_works("/d", "/d/data/a.edb", set.page_size, USER_WRITES);
    else if (disk_exists("/d/data") || disk_exists("/d/system/restore.tmp"))
        fuzz_die("a restore that failed has left something");
    set_done(&set);
    if (dest && os_list("/", must_be_ours, NULL) < JET_errSuccess)
        abort();
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    restore(bytes, count, "/d/data");
    if (disk_exists("/d"))
        disk_delete("/d");
    restore(bytes, count, NULL);
}
