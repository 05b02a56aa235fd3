/* Parameters: every row of the table at its edges, paths and lengths, what is frozen when, and docs/parameters.md. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/params.h"
#include "tests/lib/test.h"

static struct params engine, instance;

static void fresh(void) {
    params_init(&engine, NULL);
    params_init(&instance, &engine);
}

static JET_ERR set(unsigned id, uint64_t value) {
    return params_set(&instance, 0, id, value, NULL);
}
static JET_ERR set_text(unsigned id, const char *text) {
    return params_set(&instance, 0, id, 0, text);
}

static const char *text_of(const struct params *p, unsigned id) {
    static char text[OS_PATH_MAX];
    CHECK_OK(params_get(p, id, NULL, text, sizeof text));
    return text;
}

static uint64_t number_of(const struct params *p, unsigned id) {
    JET_API_PTR value = 77;
    CHECK_OK(params_get(p, id, &value, NULL, 0));
    return value;
}

static bool is_number(const struct param_def *def) {
    return !def->default_text && def->type != PARAM_COMPUTED;
}

static const char *cwd_path(const char *rest) {
    static char path[2 * OS_PATH_MAX];
    char cwd[OS_PATH_MAX];
    CU_ASSERT_PTR_NOT_NULL_FATAL(getcwd(cwd, sizeof cwd));
    snprintf(path, sizeof path, "%s/%s", cwd, rest);
    return path;
}

/* ---- numbers ---- */

static void params__table_is_in_order_and_consistent(void) {
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        const struct param_def *def = &param_defs[i];
        CU_ASSERT(i == 0 || param_defs[i - 1].id < def->id);
        CU_ASSERT_PTR_EQUAL(param_find(def->id), def);
        CU_ASSERT(def->min <= def->max);
        if (is_number(def))
            CU_ASSERT(def->default_number >= def->min && def->default_number <= def->max);
    }
}

static void params__defaults_are_those_of_ese(void) {
    fresh();
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramMaxSessions), 16);
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramLogFileSize), 5120);
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramDatabasePageSize), 4096);
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramCheckpointDepthMax), 20 << 20);
    CU_ASSERT_EQUAL(number_of(&engine, JET_paramMaxInstances), 16);
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramBaseName), "edb");
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramRecovery), "on");
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramAlternateDatabaseRecoveryPath), "");
}

static void params__numbers_out_of_range_are_refused_and_change_nothing(void) {
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        const struct param_def *def = &param_defs[i];
        if (!is_number(def))
            continue;
        fresh();
        CHECK_OK(set(def->id, def->max));
        CHECK_OK(set(def->id, def->min));
        uint64_t before = number_of(&instance, def->id);
        if (def->min > 0)
            CHECK_ERR(set(def->id, def->min - 1), JET_errInvalidParameter);
        if (def->max < UINT64_MAX)
            CHECK_ERR(set(def->id, def->max + 1), JET_errInvalidParameter);
        CU_ASSERT_EQUAL(number_of(&instance, def->id), before);
    }
}

static void params__page_sizes_are_powers_of_two(void) {
    fresh();
    for (uint64_t n = 4096; n <= 32768; n *= 2) {
        CHECK_OK(set(JET_paramDatabasePageSize, n));
        CHECK_ERR(set(JET_paramDatabasePageSize, n + 512), JET_errInvalidParameter);
        CU_ASSERT_EQUAL(number_of(&instance, JET_paramDatabasePageSize), n);
    }
    CHECK_ERR(set(JET_paramDatabasePageSize, 2048), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramDatabasePageSize, 0), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramVerPageSize, 3000), JET_errInvalidParameter);
}

static void params__any_number_but_zero_is_true(void) {
    fresh();
    CHECK_OK(set(JET_paramCircularLog, UINT64_MAX));
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramCircularLog), 1);
    CHECK_OK(set(JET_paramCircularLog, 0));
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramCircularLog), 0);
}

static void params__what_is_not_offered_cannot_be_asked_for(void) {
    fresh();
    CHECK_ERR(set(JET_paramZeroDatabaseDuringBackup, 1), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramDisableBlockVerification, 1), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramWaypointLatency, 1), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramLegacyFileNames, 0), JET_errInvalidParameter);
    CHECK_OK(set(JET_paramWaypointLatency, 0));
    CHECK_OK(set(JET_paramLegacyFileNames, JET_bitESE98FileNames));
}

static void params__unknown_and_unsupported_ids_are_invalid(void) {
    static const unsigned ids[] = {21,
                                   1000,
                                   UINT32_MAX,
                                   JET_paramCacheSize,
                                   JET_paramConfiguration,
                                   JET_paramRuntimeCallback,
                                   JET_paramUnicodeIndexDefault,
                                   JET_paramEngineFormatVersion};
    JET_API_PTR value;
    char text[64];
    fresh();
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        CHECK_ERR(params_set(&instance, 0, ids[i], 1, "x"), JET_errInvalidParameter);
        CHECK_ERR(params_get(&instance, ids[i], &value, text, sizeof text), JET_errInvalidParameter);
    }
}

/* ---- scopes and times ---- */

static void params__an_instance_starts_with_the_values_of_the_engine(void) {
    fresh();
    CHECK_OK(params_set(&engine, 0, JET_paramMaxSessions, 99, NULL));
    CHECK_OK(params_set(&engine, 0, JET_paramEventSource, 0, "shop"));
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramMaxSessions), 16);
    params_init(&instance, &engine);
    CU_ASSERT_EQUAL(number_of(&instance, JET_paramMaxSessions), 99);
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramEventSource), "shop");
    CHECK_OK(set(JET_paramMaxSessions, 5));
    CU_ASSERT_EQUAL(number_of(&engine, JET_paramMaxSessions), 99);
}

static void params__global_parameters_are_the_engines_whoever_sets_them(void) {
    struct params other;
    fresh();
    params_init(&other, &engine);
    CHECK_OK(set(JET_paramDatabasePageSize, 8192));
    CHECK_OK(set_text(JET_paramProcessFriendlyName, "till"));
    CU_ASSERT_EQUAL(number_of(&engine, JET_paramDatabasePageSize), 8192);
    CU_ASSERT_EQUAL(number_of(&other, JET_paramDatabasePageSize), 8192);
    CU_ASSERT_STRING_EQUAL(text_of(&other, JET_paramProcessFriendlyName), "till");
}

static void params__parameters_freeze_when_their_scope_runs(void) {
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        const struct param_def *def = &param_defs[i];
        if (def->type == PARAM_COMPUTED)
            continue;
        fresh();
        const char *text = def->id == JET_paramBaseName ? "abc" : def->id == JET_paramRecovery ? "ON" : "x";
        JET_ERR frozen = def->when == PARAM_BEFORE_INIT ? JET_errAlreadyInitialized : JET_errSuccess;
        bool global = def->scope == PARAM_GLOBAL;
        CHECK_OK(params_set(&instance, 0, def->id, def->max, text));
        CHECK_ERR(params_set(&instance, PARAMS_ENGINE_RUNS, def->id, def->min, text), global ? frozen : JET_errSuccess);
        CHECK_ERR(params_set(&instance, PARAMS_INSTANCE_RUNS | PARAMS_ENGINE_RUNS, def->id, def->min, text), frozen);
        CHECK_ERR(params_set(&engine, PARAMS_ENGINE_RUNS, def->id, def->min, text), global ? frozen : JET_errSuccess);
    }
}

/* ---- strings and paths ---- */

static void params__folders_become_absolute_and_end_with_a_slash(void) {
    fresh();
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramSystemPath), cwd_path(""));
    CU_ASSERT_STRING_EQUAL(text_of(&engine, JET_paramLogFilePath), cwd_path(""));
    CHECK_OK(set_text(JET_paramLogFilePath, "not/there/../yet"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramLogFilePath), cwd_path("not/yet/"));
    CHECK_OK(set_text(JET_paramLogFilePath, "/var//lib/x/"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramLogFilePath), "/var/lib/x/");
    CHECK_OK(set_text(JET_paramSystemPath, "/"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramSystemPath), "/");
    CHECK_OK(set_text(JET_paramSystemPath, ""));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramSystemPath), cwd_path(""));
    CHECK_OK(set_text(JET_paramAlternateDatabaseRecoveryPath, "elsewhere"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramAlternateDatabaseRecoveryPath), cwd_path("elsewhere/"));
    CHECK_OK(set_text(JET_paramAlternateDatabaseRecoveryPath, ""));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramAlternateDatabaseRecoveryPath), "");
}

static void params__other_paths_keep_the_end_they_have(void) {
    fresh();
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramTempPath), cwd_path("tmp.edb"));
    CHECK_OK(set_text(JET_paramTempPath, "/t/a.edb"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramTempPath), "/t/a.edb");
    CHECK_OK(set_text(JET_paramTempPath, "/t/a/"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramTempPath), "/t/a/");
}

static void params__symbolic_links_are_left_as_they_are(void) {
    char want[OS_PATH_MAX];
    fresh();
    CU_ASSERT_EQUAL_FATAL(mkdir(test_path("real"), 0700), 0);
    CU_ASSERT_EQUAL_FATAL(symlink(test_path("real"), test_path("link")), 0);
    CHECK_OK(set_text(JET_paramLogFilePath, test_path("link")));
    snprintf(want, sizeof want, "%s/", test_path("link"));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramLogFilePath), want);
}

static void params__lengths_count_utf16_units_of_the_absolute_path(void) {
    char path[1024];
    fresh();
    memset(path, 'd', sizeof path);
    path[0] = '/';
    path[245] = '\0'; /* and the slash */
    CHECK_OK(set_text(JET_paramLogFilePath, path));
    path[245] = 'd';
    path[246] = '\0';
    CHECK_ERR(set_text(JET_paramLogFilePath, path), JET_errInvalidParameter);
    CU_ASSERT_EQUAL(strlen(text_of(&instance, JET_paramLogFilePath)), 246);

    char *end = path; /* 129 characters of two units each, and one of one, in UTF-8 */
    for (int i = 0; i < 129; i++)
        end = stpcpy(end, "\xf0\x9f\xa6\x8a");
    end = stpcpy(end, "\xe2\x82\xac");
    CHECK_OK(set_text(JET_paramEventSource, path));
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramEventSource), path);
    strcpy(end, "x");
    CHECK_ERR(set_text(JET_paramEventSource, path), JET_errInvalidParameter);
}

static void params__bytes_that_are_no_utf8_cannot_overrun(void) {
    static const unsigned char fill[] = {0x80, 0xc3, 0xe2, 0xf0, 0xff};
    static char text[100000];
    fresh();
    for (size_t i = 0; i < sizeof fill; i++) {
        memset(text, fill[i], sizeof text - 1);
        text[0] = '/';
        CHECK_ERR(set_text(JET_paramEventSource, text), JET_errInvalidParameter);
        CHECK_ERR(set_text(JET_paramLogFilePath, text), JET_errInvalidPath);
        text[2000] = '\0';
        CHECK_ERR(set_text(JET_paramLogFilePath, text), JET_errInvalidParameter);
        text[2000] = (char)fill[i];
    }
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramEventSource), "");
}

static void params__null_is_no_string(void) {
    fresh();
    for (size_t i = 0; i < PARAM_COUNT; i++)
        if (param_defs[i].default_text)
            CHECK_ERR(set_text(param_defs[i].id, NULL), JET_errInvalidParameter);
}

static void params__base_name_is_three_characters_of_a_file_name(void) {
    static const char *const bad[] = {"",
                                      "ed",
                                      "edbs",
                                      "e/b",
                                      "../",
                                      "e.b",
                                      "e b",
                                      "\xc3\xa4"
                                      "db",
                                      "\xe2\x82\xac"};
    fresh();
    CHECK_OK(set_text(JET_paramBaseName, "r01"));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(set_text(JET_paramBaseName, bad[i]), JET_errInvalidParameter);
    CU_ASSERT_STRING_EQUAL(text_of(&instance, JET_paramBaseName), "r01");
}

static void params__recovery_cannot_be_turned_off(void) {
    fresh();
    CHECK_OK(set_text(JET_paramRecovery, "On"));
    CHECK_ERR(set_text(JET_paramRecovery, "off"), JET_errInvalidParameter);
    CHECK_ERR(set_text(JET_paramRecovery, "repair"), JET_errInvalidParameter);
    CHECK_ERR(set_text(JET_paramRecovery, ""), JET_errInvalidParameter);
}

/* ---- reading ---- */

static void params_get__needs_the_output_of_its_type(void) {
    JET_API_PTR value;
    char text[8];
    fresh();
    CHECK_ERR(params_get(&instance, JET_paramMaxSessions, NULL, text, sizeof text), JET_errInvalidParameter);
    CHECK_ERR(params_get(&instance, JET_paramBaseName, &value, NULL, sizeof text), JET_errInvalidParameter);
    CHECK_ERR(params_get(&instance, JET_paramBaseName, &value, text, 0), JET_errInvalidParameter);
}

static void params_get__never_cuts_a_string(void) {
    char text[8] = "unset";
    fresh();
    CHECK_ERR(params_get(&instance, JET_paramBaseName, NULL, text, 3), JET_errBufferTooSmall);
    CU_ASSERT_STRING_EQUAL(text, "unset");
    CHECK_OK(params_get(&instance, JET_paramBaseName, NULL, text, 4));
    CU_ASSERT_STRING_EQUAL(text, "edb");
}

static void params_get__turns_an_error_into_words(void) {
    char text[512];
    JET_API_PTR value = (JET_API_PTR)(int64_t)JET_errKeyDuplicate;
    fresh();
    CHECK_OK(params_get(&engine, JET_paramErrorToString, &value, text, sizeof text));
    CU_ASSERT_EQUAL(strncmp(text, "JET_errKeyDuplicate,", 20), 0);
    CU_ASSERT(strlen(text) > 20);
    value = (uint32_t)JET_errKeyDuplicate; /* as a 32-bit program leaves it */
    CHECK_OK(params_get(&engine, JET_paramErrorToString, &value, text, sizeof text));
    CU_ASSERT_EQUAL(strncmp(text, "JET_errKeyDuplicate,", 20), 0);
    value = 12345678;
    CHECK_OK(params_get(&engine, JET_paramErrorToString, &value, text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "Unknown Error,Unknown Error");
    CHECK_ERR(params_get(&engine, JET_paramErrorToString, NULL, text, sizeof text), JET_errInvalidParameter);
    CHECK_ERR(params_get(&engine, JET_paramErrorToString, &value, text, 5), JET_errBufferTooSmall);
    CHECK_ERR(params_set(&engine, 0, JET_paramErrorToString, 1, "x"), JET_errInvalidParameter);
}

static void params_get__sizes_follow_the_page_size(void) {
    static const unsigned want[4][3] = {
        {4096, 1000, 4014}, {8192, 2000, 8110}, {16384, 2000, 4050}, {32768, 2000, 8150}};
    fresh();
    for (size_t i = 0; i < 4; i++) {
        CHECK_OK(set(JET_paramDatabasePageSize, want[i][0]));
        CU_ASSERT_EQUAL(number_of(&instance, JET_paramKeyMost), want[i][1]);
        CU_ASSERT_EQUAL(number_of(&instance, JET_paramLVChunkSizeMost), want[i][2]);
    }
    CHECK_ERR(set(JET_paramKeyMost, 255), JET_errInvalidParameter);
    CHECK_ERR(set(JET_paramLVChunkSizeMost, 4014), JET_errInvalidParameter);
}

static void params_config__says_what_an_instance_starts_with(void) {
    struct inst_config config = {0};
    struct event_sink events = {0};
    fresh();
    CHECK_OK(set_text(JET_paramLogFilePath, "/l/o"));
    CHECK_OK(set_text(JET_paramSystemPath, "/"));
    CHECK_OK(set_text(JET_paramBaseName, "abc"));
    CHECK_OK(set(JET_paramDatabasePageSize, 8192));
    CHECK_OK(set(JET_paramLogFileSize, 128));
    CHECK_OK(set(JET_paramMaxVerPages, 10));
    CHECK_OK(set(JET_paramVerPageSize, 16384));
    CHECK_OK(set(JET_paramCacheSizeMax, 100));
    CHECK_OK(set(JET_paramCircularLog, 1));
    CHECK_OK(set(JET_paramEventLoggingLevel, 25));
    params_config(&instance, &config, &events);
    CU_ASSERT_STRING_EQUAL(config.log_dir.path, "/l/o");
    CU_ASSERT_STRING_EQUAL(config.log_dir.base, "abc");
    CU_ASSERT_STRING_EQUAL(config.system_path, "/");
    CU_ASSERT_EQUAL(config.page_size, 8192);
    CU_ASSERT_EQUAL(config.log_file_bytes, 128 * 1024);
    CU_ASSERT_EQUAL(config.versions_bytes_max, 163840);
    CU_ASSERT_EQUAL(config.cache_bytes_max, 819200);
    CU_ASSERT(config.circular && !config.create_paths);
    CU_ASSERT_EQUAL(events.level, 25);

    /* The largest cache stays within what there is. */
    CHECK_OK(set(JET_paramCacheSizeMax, UINT64_MAX));
    params_config(&instance, &config, &events);
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    CU_ASSERT(config.cache_bytes_max <= memory);
}

/* ---- docs/parameters.md ---- */

static char *read_docs(void) {
    static char text[65536];
    char path[OS_PATH_MAX];
    snprintf(path, sizeof path, "%s/docs/parameters.md", ESENT_SOURCE_DIR);
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    return text;
}

static void print_range(const struct param_def *def, char *out, size_t bytes) {
    unsigned long long min = def->min, max = def->max;
    if (def->type == PARAM_COMPUTED)
        snprintf(out, bytes, "- | -");
    else if (def->default_text && min == max)
        snprintf(out, bytes, "\"%s\" | %llu characters", def->default_text, max);
    else if (def->default_text)
        snprintf(out, bytes, "\"%s\" | %llu..%llu characters", def->default_text, min, max);
    else if (def->type == PARAM_BOOLEAN)
        snprintf(out, bytes, "%s | %s", def->default_number ? "true" : "false", max ? "false, true" : "false");
    else if (max == UINT64_MAX)
        snprintf(out, bytes, "%llu | %llu..", (unsigned long long)def->default_number, min);
    else if (min == max)
        snprintf(out, bytes, "%llu | %llu", (unsigned long long)def->default_number, max);
    else
        snprintf(out, bytes, "%llu | %llu..%llu", (unsigned long long)def->default_number, min, max);
}

static void params__are_all_described_in_the_docs(void) {
    static const char *const when[] = {"any time", "before JetInit", "never"};
    char range[128], row[512];
    char *docs = read_docs();
    if (!docs) {
        test_skip("docs/parameters.md is not beside the tests");
        return;
    }
    char *stored = strstr(docs, "\n## Stored"), *differences = strstr(docs, "\n## Differences");
    CU_ASSERT_FATAL(stored && differences && stored < differences);
    size_t rows = 0;
    for (char *p = docs; (p = strstr(p, "\n| ")) != NULL; p++)
        rows += p[3] >= '0' && p[3] <= '9';
    CU_ASSERT_EQUAL(rows, PARAM_COUNT);
    for (size_t i = 0; i < PARAM_COUNT; i++) {
        const struct param_def *def = &param_defs[i];
        print_range(def, range, sizeof range);
        snprintf(row, sizeof row, "\n| %u | %s | %s | %s | %s | ", def->id, def->name, range,
                 def->scope == PARAM_GLOBAL ? "global" : "instance", when[def->when]);
        const char *found = strstr(docs, row);
        if (!found)
            fprintf(stderr, "not in docs/parameters.md: %s\n", row + 1);
        CU_ASSERT_PTR_NOT_NULL(found);
        CU_ASSERT_EQUAL(found > stored, def->use == PARAM_STORED);
    }
}

TEST_MAIN(TEST(params__table_is_in_order_and_consistent), TEST(params__defaults_are_those_of_ese),
          TEST(params__numbers_out_of_range_are_refused_and_change_nothing), TEST(params__page_sizes_are_powers_of_two),
          TEST(params__any_number_but_zero_is_true), TEST(params__what_is_not_offered_cannot_be_asked_for),
          TEST(params__unknown_and_unsupported_ids_are_invalid),
          TEST(params__an_instance_starts_with_the_values_of_the_engine),
          TEST(params__global_parameters_are_the_engines_whoever_sets_them),
          TEST(params__parameters_freeze_when_their_scope_runs),
          TEST(params__folders_become_absolute_and_end_with_a_slash), TEST(params__other_paths_keep_the_end_they_have),
          TEST(params__symbolic_links_are_left_as_they_are),
          TEST(params__lengths_count_utf16_units_of_the_absolute_path),
          TEST(params__bytes_that_are_no_utf8_cannot_overrun), TEST(params__null_is_no_string),
          TEST(params__base_name_is_three_characters_of_a_file_name), TEST(params__recovery_cannot_be_turned_off),
          TEST(params_get__needs_the_output_of_its_type), TEST(params_get__never_cuts_a_string),
          TEST(params_get__turns_an_error_into_words), TEST(params_get__sizes_follow_the_page_size),
          TEST(params_config__says_what_an_instance_starts_with), TEST(params__are_all_described_in_the_docs))
