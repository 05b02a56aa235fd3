/* include/esent.h against ESE: sizes and offsets as documented, and everything that the esent.h of mingw-w64 also has.
 *
 * The comparison makes one probe program for each header and compiles both to assembly: ours with the system's
 * compiler, the other with mingw's, for the Windows ABI. A probe is `V("name", value)`, which leaves `->name value` in
 * the assembly: the values of macros and enum constants, the sizes of types, the offsets and sizes of fields, and for
 * each function whether mingw's has the type that our header declares. Differences are listed with their reasons in
 * esent_header_differences.txt, and nothing else may differ. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/os.h"
#include "tests/lib/test.h"

#define MINGW_CC "x86_64-w64-mingw32-gcc"

/* ---- what ESE's documentation and code say, for a 64-bit system ---- */

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, byte) _Static_assert(offsetof(type, field) == (byte), #type "." #field)

SIZE(JET_ERR, 4);
SIZE(JET_GRBIT, 4);
SIZE(JET_DBID, 4);
SIZE(JET_COLUMNID, 4);
SIZE(JET_COLTYP, 4);
SIZE(JET_INSTANCE, 8);
SIZE(JET_SESID, 8);
SIZE(JET_TABLEID, 8);
SIZE(JET_API_PTR, 8);
SIZE(JET_WCHAR, 2);
SIZE(JET_LGPOS, 8);
SIZE(JET_LOGTIME, 8);
SIZE(JET_BKLOGTIME, 8);
SIZE(JET_SIGNATURE, 28);
SIZE(JET_BKINFO, 24);
SIZE(JET_DBINFOMISC, 216);
SIZE(JET_DBINFOMISC2, 296);
SIZE(JET_DBINFOMISC3, 300);
SIZE(JET_DBINFOMISC4, 348);
SIZE(JET_DBINFOMISC5, 380);
SIZE(JET_DBINFOMISC6, 400);
SIZE(JET_DBINFOMISC7, 416);
AT(JET_DBINFOMISC, signDb, 8);
AT(JET_DBINFOMISC, dbstate, 36);
AT(JET_DBINFOMISC, lgposConsistent, 40);
AT(JET_DBINFOMISC, logtimeConsistent, 48);
AT(JET_DBINFOMISC, logtimeAttach, 56);
AT(JET_DBINFOMISC, lgposAttach, 64);
AT(JET_DBINFOMISC, logtimeDetach, 72);
AT(JET_DBINFOMISC, lgposDetach, 80);
AT(JET_DBINFOMISC, signLog, 88);
AT(JET_DBINFOMISC, bkinfoFullPrev, 116);
AT(JET_DBINFOMISC, bkinfoIncPrev, 140);
AT(JET_DBINFOMISC, bkinfoFullCur, 164);
AT(JET_DBINFOMISC, fShadowingDisabled, 188);
AT(JET_DBINFOMISC, dwMajorVersion, 196);
AT(JET_DBINFOMISC, lSPNumber, 208);
AT(JET_DBINFOMISC, cbPageSize, 212);
AT(JET_DBINFOMISC7, genMinRequired, 216);
AT(JET_DBINFOMISC7, genMaxRequired, 220);
AT(JET_DBINFOMISC7, logtimeGenMaxCreate, 224);
AT(JET_DBINFOMISC7, ulRepairCount, 232);
AT(JET_DBINFOMISC7, ulECCFixSuccess, 248);
AT(JET_DBINFOMISC7, ulECCFixFail, 264);
AT(JET_DBINFOMISC7, ulBadChecksum, 280);
AT(JET_DBINFOMISC7, ulBadChecksumOld, 292);
AT(JET_DBINFOMISC7, genCommitted, 296);
AT(JET_DBINFOMISC7, bkinfoCopyPrev, 300);
AT(JET_DBINFOMISC7, bkinfoDiffPrev, 324);
AT(JET_DBINFOMISC7, ulIncrementalReseedCount, 348);
AT(JET_DBINFOMISC7, ulPagePatchCount, 364);
AT(JET_DBINFOMISC7, logtimeChecksumPrev, 380);
AT(JET_DBINFOMISC7, logtimeChecksumStart, 388);
AT(JET_DBINFOMISC7, cpgDatabaseChecked, 396);
AT(JET_DBINFOMISC7, logtimeLastReAttach, 400);
AT(JET_DBINFOMISC7, lgposLastReAttach, 408);
SIZE(JET_SNPROG, 12);
SIZE(JET_LOGINFO, 16);
SIZE(JET_RSTMAP, 16);
SIZE(JET_RSTINFO, 48);
SIZE(JET_INSTANCE_INFO, 48);
AT(JET_RSTINFO, lgposStop, 20);
AT(JET_RSTINFO, logtimeStop, 28);
AT(JET_RSTINFO, pfnStatus, 40);
SIZE(JET_SETSYSPARAM, 32);
AT(JET_SETSYSPARAM, lParam, 8);
AT(JET_SETSYSPARAM, err, 24);
SIZE(JET_COLUMNDEF, 28);
AT(JET_COLUMNDEF, cp, 16);
AT(JET_COLUMNDEF, cbMax, 20);
AT(JET_COLUMNDEF, grbit, 24);
SIZE(JET_COLUMNCREATE, 56);
AT(JET_COLUMNCREATE, pvDefault, 32);
AT(JET_COLUMNCREATE, err, 52);
SIZE(JET_UNICODEINDEX, 8);
SIZE(JET_UNICODEINDEX2, 16);
SIZE(JET_INDEXCREATE, 80);
SIZE(JET_INDEXCREATE2, 88);
SIZE(JET_INDEXCREATE3, 88);
AT(JET_INDEXCREATE, pidxunicode, 40);
AT(JET_INDEXCREATE, cbVarSegMac, 48);
AT(JET_INDEXCREATE, rgconditionalcolumn, 56);
AT(JET_INDEXCREATE, cbKeyMost, 72);
AT(JET_INDEXCREATE2, pSpacehints, 80);
AT(JET_INDEXCREATE3, pidxunicode, 40);
AT(JET_INDEXCREATE3, pSpacehints, 80);
SIZE(JET_TABLECREATE, 80);
AT(JET_TABLECREATE, cIndexes, 56);
AT(JET_TABLECREATE, grbit, 60);
AT(JET_TABLECREATE, tableid, 64);
AT(JET_TABLECREATE, cCreated, 72);
SIZE(JET_TABLECREATE2, 96);
AT(JET_TABLECREATE2, cbtyp, 72);
AT(JET_TABLECREATE2, tableid, 80);
SIZE(JET_TABLECREATE3, 120);
AT(JET_TABLECREATE3, pSeqSpacehints, 80);
AT(JET_TABLECREATE3, cbSeparateLV, 96);
AT(JET_TABLECREATE3, tableid, 104);
SIZE(JET_SETINFO, 12);
SIZE(JET_RETINFO, 16);
SIZE(JET_SETCOLUMN, 40);
SIZE(JET_RETRIEVECOLUMN, 48);
AT(JET_SETCOLUMN, grbit, 20);
AT(JET_SETCOLUMN, err, 32);
AT(JET_RETRIEVECOLUMN, itagSequence, 32);
AT(JET_RETRIEVECOLUMN, err, 40);
SIZE(JET_RECPOS, 16);
SIZE(JET_INDEXRANGE, 24);

/* ---- files and commands ---- */

static const char *source_path(const char *name) {
    static char path[OS_PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", ESENT_SOURCE_DIR, name);
    return path;
}

/* The whole file, NUL-terminated; freed by the caller. NULL: not there. */
static char *slurp(const char *path) {
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t length = 0;
    if (!file)
        return NULL;
    if (getdelim(&text, &length, '\0', file) < 0)
        text = strdup("");
    fclose(file);
    return text;
}

static void write_file(const char *path, const char *text) {
    FILE *file = fopen(path, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    CU_ASSERT_EQUAL_FATAL(fwrite(text, 1, strlen(text), file), strlen(text));
    CU_ASSERT_EQUAL_FATAL(fclose(file), 0);
}

static bool __attribute__((format(printf, 1, 2))) run(const char *format, ...) {
    char command[4 * OS_PATH_MAX];
    va_list args;
    va_start(args, format);
    CU_ASSERT_FATAL(vsnprintf(command, sizeof command, format, args) < (int)sizeof command);
    va_end(args);
    return system(command) == 0;
}

static bool have(const char *program) {
    return run("command -v %s >/dev/null 2>&1", program);
}

/* ---- text ---- */

static bool is_word(int c) {
    return isalnum(c) || c == '_';
}

static const char *find_word(const char *text, const char *word) {
    size_t n = strlen(word);
    for (const char *p = text; (p = strstr(p, word)) != NULL; p += n)
        if ((p == text || !is_word((unsigned char)p[-1])) && !is_word((unsigned char)p[n]))
            return p;
    return NULL;
}

static void blank_comments(char *text) {
    for (char *p = text; (p = strstr(p, "/*")) != NULL;) {
        char *end = strstr(p, "*/");
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        for (; p < end + 2; p++)
            if (*p != '\n')
                *p = ' ';
    }
}

/* The last identifier that begins before end and behind start: the declared name. "" if there is none. */
static void last_word(const char *start, const char *end, char out[128]) {
    out[0] = '\0';
    while (end > start && !is_word((unsigned char)end[-1]))
        end--;
    const char *p = end;
    while (p > start && is_word((unsigned char)p[-1]))
        p--;
    if (p < end && end - p < 128)
        snprintf(out, 128, "%.*s", (int)(end - p), p);
}

/* ---- the probes ---- */

struct probes {
    FILE *ours, *theirs; /* memory streams */
    char *ours_text, *theirs_text;
    size_t ours_bytes, theirs_bytes;
    const char *mingw; /* their header, preprocessed, with macros */
    unsigned count;
};

static void probe(struct probes *p, const char *name, const char *ours, const char *theirs) {
    fprintf(p->ours, "V(\"%s\", %s);\n", name, ours);
    fprintf(p->theirs, "V(\"%s\", %s);\n", name, theirs);
    p->count++;
}

/* Their name for our type or function: with the A of the 8-bit variant where there is one. false: they have none. */
static bool their_name(const struct probes *p, const char *name, const char *suffix, char out[160]) {
    snprintf(out, 160, "%s%s", name, suffix);
    if (find_word(p->mingw, out))
        return true;
    snprintf(out, 160, "%s", name);
    return find_word(p->mingw, name) != NULL;
}

/* macros: `#define JET_name value` lines. */
static void probe_macros(struct probes *p, const char *macros) {
    char name[128];
    for (const char *line = macros; (line = strstr(line, "#define JET_")) != NULL; line++) {
        const char *start = line + strlen("#define "), *end = start;
        while (is_word((unsigned char)*end))
            end++;
        bool number = *end == ' ' && end[1] != '\n';
        snprintf(name, sizeof name, "%.*s", (int)(end - start), start);
        if (number && find_word(p->mingw, name))
            probe(p, name, name, name);
    }
}

/* Text of their struct, from its brace to its name; NULL: none. */
static const char *their_struct(const struct probes *p, const char *name, size_t *bytes) {
    char closing[170];
    snprintf(closing, sizeof closing, "} %s;", name);
    const char *end = strstr(p->mingw, closing), *start = NULL;
    for (const char *s = p->mingw; end && (s = strstr(s, "typedef struct")) != NULL && s < end; s++)
        start = s;
    *bytes = start ? (size_t)(end - start) : 0;
    return start;
}

static void probe_field(struct probes *p, const char *type, const char *theirs, const char *field) {
    char name[300], ours_value[300], theirs_value[400];
    snprintf(name, sizeof name, "%s.%s", type, field);
    snprintf(ours_value, sizeof ours_value, "__builtin_offsetof(%s, %s)", type, field);
    snprintf(theirs_value, sizeof theirs_value, "__builtin_offsetof(%s, %s)", theirs, field);
    probe(p, name, ours_value, theirs_value);
    snprintf(name, sizeof name, "sizeof %s.%s", type, field);
    snprintf(ours_value, sizeof ours_value, "sizeof(((%s *)0)->%s)", type, field);
    snprintf(theirs_value, sizeof theirs_value, "sizeof(((%s *)0)->%s)", theirs, field);
    probe(p, name, ours_value, theirs_value);
}

static void probe_size(struct probes *p, const char *type, const char *theirs) {
    char name[200], ours_value[200], theirs_value[200];
    snprintf(name, sizeof name, "sizeof %s", type);
    snprintf(ours_value, sizeof ours_value, "sizeof(%s)", type);
    snprintf(theirs_value, sizeof theirs_value, "sizeof(%s)", theirs);
    probe(p, name, ours_value, theirs_value);
}

/* Each `typedef struct { ... } NAME;` of our header, one field a line. */
static void probe_structs(struct probes *p, const char *header) {
    static const char opening[] = "typedef struct {\n";
    char type[128], theirs[160], field[128], body_copy[8192];
    size_t bytes;
    for (const char *s = header; (s = strstr(s, opening)) != NULL;) {
        s += sizeof opening - 1;
        const char *end = strstr(s, "\n} ");
        CU_ASSERT_PTR_NOT_NULL_FATAL(end);
        last_word(end, strchr(end, ';'), type);
        const char *body = their_name(p, type, "_A", theirs) ? their_struct(p, theirs, &bytes) : NULL;
        if (!body)
            continue;
        CU_ASSERT_FATAL(bytes < sizeof body_copy);
        snprintf(body_copy, sizeof body_copy, "%.*s", (int)bytes, body);
        probe_size(p, type, theirs);
        for (const char *semicolon = strchr(s, ';'); semicolon && semicolon < end;
             semicolon = strchr(semicolon + 1, ';')) {
            const char *line = semicolon, *stop;
            while (line > s && line[-1] != '\n')
                line--;
            stop = memchr(line, '[', (size_t)(semicolon - line));
            last_word(line, stop ? stop : semicolon, field);
            if (field[0] && find_word(body_copy, field))
                probe_field(p, type, theirs, field);
        }
    }
}

/* Each `typedef X NAME;` of our header. */
static void probe_typedefs(struct probes *p, const char *header) {
    char type[128], theirs[160];
    for (const char *s = header; (s = strstr(s, "\ntypedef ")) != NULL; s++) {
        const char *end = strchr(s + 1, '\n');
        if (memchr(s, '{', (size_t)(end - s)) || memchr(s, '(', (size_t)(end - s)))
            continue;
        last_word(s, memchr(s, ';', (size_t)(end - s)), type);
        if (their_name(p, type, "_A", theirs))
            probe_size(p, type, theirs);
    }
}

/* Each `JET_ERR JET_API JetName(parameters);`: does theirs have this type? */
static void probe_functions(struct probes *p, const char *header) {
    static const char opening[] = "\nJET_ERR JET_API ";
    char name[128], theirs[160], value[2048];
    for (const char *s = header; (s = strstr(s, opening)) != NULL;) {
        s += sizeof opening - 1;
        const char *parameters = strchr(s, '('), *end = strchr(s, ';');
        CU_ASSERT_FATAL(parameters && end && end > parameters);
        last_word(s, parameters, name);
        CU_ASSERT_FATAL(their_name(p, name, "A", theirs));
        snprintf(value, sizeof value, "__builtin_types_compatible_p(__typeof__(%s), JET_ERR%.*s)", theirs,
                 (int)(end - parameters), parameters);
        for (char *newline = value; (newline = strchr(newline, '\n')) != NULL;)
            *newline = ' ';
        probe(p, name, "1", value);
    }
}

/* ---- the comparison ---- */

/* The value that a probe left in the assembly. */
static bool value_of(const char *assembly, const char *name, long long *value) {
    char mark[320];
    snprintf(mark, sizeof mark, "\n->%s=", name);
    const char *p = strstr(assembly, mark);
    if (!p)
        return false;
    p += strlen(mark);
    return sscanf(p + (*p == '$'), "%lld", value) == 1;
}

/* Compares all values; a name that differs must be in the list, and a name in the list must differ. */
static unsigned compare(const char *ours, const char *theirs, const char *listed) {
    unsigned compared = 0;
    char name[300];
    for (const char *p = ours; (p = strstr(p, "\n->")) != NULL; p++) {
        long long a = 0, b = 0;
        CU_ASSERT_EQUAL_FATAL(sscanf(p + 3, "%299[^=]", name), 1);
        CU_ASSERT_FATAL(value_of(ours, name, &a) && value_of(theirs, name, &b));
        char line[310];
        snprintf(line, sizeof line, "\n%s: ", name);
        bool known = strstr(listed, line) != NULL;
        if ((a != b) != known)
            fprintf(stderr, "%s: ours %lld, mingw-w64 %lld%s\n", name, a, b, known ? ", but listed as different" : "");
        CU_ASSERT_EQUAL(a != b, known);
        compared++;
    }
    return compared;
}

#define PROBE_HEAD "#define V(name, value) __asm__ volatile(\"\\n->\" name \"=%%0\" : : \"i\"((long long)(value)))\n"

static void open_probes(struct probes *p, const char *mingw) {
    *p = (struct probes){.mingw = mingw};
    p->ours = open_memstream(&p->ours_text, &p->ours_bytes);
    p->theirs = open_memstream(&p->theirs_text, &p->theirs_bytes);
    CU_ASSERT_FATAL(p->ours && p->theirs);
    fprintf(p->ours, "#include <esent.h>\n" PROBE_HEAD "void probes(void);\nvoid probes(void) {\n");
    fprintf(p->theirs, "#include <wchar.h>\n#include <esent.h>\n#define uint32_t unsigned __LONG32\n"
                       "#define int32_t __LONG32\n" PROBE_HEAD "void probes(void);\nvoid probes(void) {\n");
}

static void close_probes(struct probes *p) {
    fprintf(p->ours, "}\n");
    fprintf(p->theirs, "}\n");
    CU_ASSERT_EQUAL_FATAL(fclose(p->ours), 0);
    CU_ASSERT_EQUAL_FATAL(fclose(p->theirs), 0);
    write_file(test_path("ours.c"), p->ours_text);
    write_file(test_path("theirs.c"), p->theirs_text);
    free(p->ours_text);
    free(p->theirs_text);
}

static void esent_h__agrees_with_the_header_of_mingw(void) {
    if (!have(MINGW_CC) || !have("cc")) {
        test_skip("needs " MINGW_CC " (gcc-mingw-w64-x86-64) and cc");
        return;
    }
    write_file(test_path("mingw.c"), "#include <wchar.h>\n#include <esent.h>\n");
    if (!run(MINGW_CC " -E -P -dD %s -o %s 2>/dev/null", test_path("mingw.c"), test_path("mingw.txt"))) {
        test_skip("needs the esent.h of mingw-w64-common");
        return;
    }
    CU_ASSERT_FATAL(run("cc -E -dM %s -o %s", source_path("include/esent.h"), test_path("macros.txt")));
    char *mingw = slurp(test_path("mingw.txt")), *macros = slurp(test_path("macros.txt"));
    char *header = slurp(source_path("include/esent.h"));
    char *listed = slurp(source_path("tests/esent_header_differences.txt"));
    CU_ASSERT_FATAL(mingw && macros && header && listed);
    char *own = strstr(header, "/* ---- what ESE does not have ---- */");
    CU_ASSERT_PTR_NOT_NULL_FATAL(own);
    *own = 0;
    blank_comments(header);

    struct probes p;
    open_probes(&p, mingw);
    probe_macros(&p, macros);
    probe_structs(&p, header);
    probe_typedefs(&p, header);
    probe_functions(&p, header);
    close_probes(&p);

    CU_ASSERT_FATAL(run("cc -w -S -I%s %s -o %s", source_path("include"), test_path("ours.c"), test_path("ours.s")));
    CU_ASSERT_FATAL(run(MINGW_CC " -w -S %s -o %s", test_path("theirs.c"), test_path("theirs.s")));
    char *ours = slurp(test_path("ours.s")), *theirs = slurp(test_path("theirs.s"));
    CU_ASSERT_FATAL(ours && theirs);
    unsigned compared = compare(ours, theirs, listed);
    CU_ASSERT_EQUAL(compared, p.count);
    printf("(%u compared) ", compared);
    CU_ASSERT(compared > 1000); /* a parser that finds nothing must not pass */
    free(mingw), free(macros), free(header), free(listed), free(ours), free(theirs);
}

static void esent_h__compiles_as_c_and_as_cpp(void) {
    static const char *const as[] = {"cc -x c -std=c11", "cc -x c -std=gnu17", "c++ -x c++ -std=c++11",
                                     "c++ -x c++ -std=c++20"};
    if (!have("cc") || !have("c++")) {
        test_skip("needs cc and c++");
        return;
    }
    write_file(test_path("include.txt"),
               "#include <esent.h>\n#include <esent.h>\n"
               "static JET_ERR JET_API status(JET_SESID s, JET_SNP p, JET_SNT t, void *v) {\n"
               "    (void)s; (void)p; (void)t; (void)v; return JET_errSuccess;\n}\n"
               "int main(void) { JET_PFNSTATUS f = status; return f(JET_sesidNil, 0, 0, 0); }\n");
    for (size_t i = 0; i < sizeof as / sizeof as[0]; i++)
        CU_ASSERT(run("%s -Wall -Wextra -Wpedantic -Werror -fsyntax-only -I%s %s", as[i], source_path("include"),
                      test_path("include.txt")));
}

/* JET_errName in the header, JET_errName in the table of names: nothing is missing on either side. */
static void err_name__knows_every_error_of_the_header(void) {
    char *header = slurp(source_path("include/esent.h"));
    CU_ASSERT_PTR_NOT_NULL_FATAL(header);
    unsigned count = 0;
    for (char *p = header; (p = strstr(p, "\n#define JET_")) != NULL; p++) {
        char name[128];
        int value;
        if (sscanf(p, "\n#define %127s (%d)", name, &value) != 2 && sscanf(p, "\n#define %127s %d", name, &value) != 2)
            continue;
        if (strncmp(name, "JET_err", 7) != 0 && strncmp(name, "JET_wrn", 7) != 0)
            continue;
        if (strcmp(err_name(value), name) != 0)
            fprintf(stderr, "%s: %s\n", name, err_name(value));
        CU_ASSERT_STRING_EQUAL(err_name(value), name);
        count++;
    }
    CU_ASSERT(count > 400);
    free(header);
}

TEST_MAIN(TEST(esent_h__agrees_with_the_header_of_mingw), TEST(esent_h__compiles_as_c_and_as_cpp),
          TEST(err_name__knows_every_error_of_the_header))
