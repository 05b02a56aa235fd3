/* A database's header and its shadow, read by all that reads headers. */
#include <stdlib.h>

#include "backup/trailer.h"
#include "engine/dbheader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"
#include "tools/tool.h"

#define PATH "/d/data/a.edb"

const enum fuzz_kind fuzz_kind = FUZZ_DBHEADER;

static void ask_file(void) {
    static const uint32_t levels[] = {JET_DbInfoFilesize, JET_DbInfoPageSize, JET_DbInfoMisc, JET_DbInfoDBInUse,
                                      JET_DbInfoFileType};
    uint8_t out[2048];
    for (unsigned i = 0; i < sizeof levels / sizeof *levels; i++)
        for (uint32_t bytes = 4; bytes <= sizeof out; bytes *= 2)
            JetGetDatabaseFileInfo(PATH, out, bytes, levels[i]);
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    struct dbheader *header = calloc(1, PAGE_SIZE_MAX);
    struct os_file *file = NULL;
    unsigned copies_bad;
    lggen_t current;
    if (!header)
        abort();
    disk_put(PATH, bytes, count);
    if (os_open(PATH, OS_READ, &file) >= JET_errSuccess && dbheader_read(file, header, &copies_bad) >= JET_errSuccess) {
        const uint32_t size = le32(header->page_size);
        if (!page_size_valid(size))
            fuzz_die("a header with pages of %u bytes", size);
        if (count >= 2 * (size_t)size && trailer_check(bytes + size, header, &current) >= JET_errSuccess)
            trailer_make(header, size, (const struct dbheader *)bytes, current);
    }
    os_close(file);
    free(header);
    ask_file();
    user_tool(&command_header, PATH, NULL);
    user_tool(&command_header, PATH, "--json");
    user_tool(&command_verify, PATH, NULL);
    user_works("/d", PATH, fuzz_page_size(bytes, count), 0);
}
