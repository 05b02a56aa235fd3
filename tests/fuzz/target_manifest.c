/* The manifest of a set, whose other files are missing. */
#include <stdlib.h>
#include <string.h>

#include "backup/set.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lib/disk.h"
#include "tools/tool.h"

const enum fuzz_kind fuzz_kind = FUZZ_MANIFEST;

static void check_names(const struct set *set) {
    for (uint32_t i = 0; i < set->file_count; i++) {
        const char *name = set->files[i].name, *original = set->files[i].original;
        if (strchr(name, '/') || strcmp(name, "..") == 0 || strcmp(name, ".") == 0 || !*name)
            fuzz_die("a name that leaves the set: %s", name);
        if (!set->files[i].is_log && (!original || original[0] != '/'))
            fuzz_die("a database that was nowhere");
    }
}

static void read_again(const struct set *set) {
    struct set again;
    char *text = NULL;
    size_t bytes;
    if (set_format(set, &text, &bytes) < JET_errSuccess)
        return;
    if (set_parse(text, bytes, &again) < JET_errSuccess)
        fuzz_die("a set that was read cannot be written");
    set_done(&again);
    free(text);
}

static void restore(void) {
    JET_INSTANCE instance = JET_instanceNil;
    if (user_instance("/d", 4096, &instance) < JET_errSuccess)
        fuzz_die("the parameters are refused");
    JetRestoreInstance(instance, "/set", "/d/data", NULL);
    JetTerm(instance);
}

void fuzz_run(const uint8_t *bytes, size_t count) {
    struct set set;
    if (set_parse((const char *)bytes, count, &set) >= JET_errSuccess) {
        check_names(&set);
        read_again(&set);
        set_done(&set);
    }
    disk_put("/set/" SET_MANIFEST, bytes, count);
    user_tool(&command_verify_set, "/set", NULL);
    restore();
}
