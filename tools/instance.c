#include "tools/tool.h"
const struct command command_backup = {.name="backup"};
const struct command command_truncate = {.name="truncate"};
const struct command command_restore = {.name="restore"};
const struct command command_recover = {.name="recover"};
