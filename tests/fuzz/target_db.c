/* A whole database that somebody hands over: shown, verified, checked, exported; attached to be read; attached and
 * changed, backed up, and the backup restored. */
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"
#include "tools/tool.h"

#define PATH "/d/data/a.edb"

const enum fuzz_kind fuzz_kind = FUZZ_DB;

static void restore(uint32_t page_size) {
    JET_INSTANCE instance = JET_instanceNil;
    if (user_instance("/new", page_size, &instance) < JET_errSuccess)
        fuzz_die("the parameters are refused");
    JET_ERR err = JetRestoreInstance(instance, "/set", "/new/data", NULL);
    JetTerm(instance);
    if (err >= JET_errSuccess)
        user_works("/new", "/new/data/a.edb", page_size, 0);
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    const uint32_t page_size = fuzz_page_size(bytes, count);
    disk_put(PATH, bytes, count);
    user_tools(PATH);
    user_works("/d", PATH, page_size, 0);
    user_works("/d", PATH, page_size, USER_WRITES | USER_BACKS_UP);
    if (disk_exists("/set/backup.manifest")) {
        user_tool(&command_verify_set, "/set", NULL);
        restore(page_size);
    }
}
