/* Errors inside libesent are the public ones: JET_ERR, negative fails, zero succeeds, positive warns and succeeds.
 *
 * One idiom: CALL() goes to the one label `cleanup:`, where everything that is touched started empty. A failure from
 * outside (errno, bad bytes) is born once, with err_raise(), at the place that saw it. */
#ifndef ESENT_BASE_ERR_H
#define ESENT_BASE_ERR_H

#include <esent.h>

#define MUST_CHECK __attribute__((warn_unused_result))

/* Needs `JET_ERR err` and `cleanup:` in the function. */
#define CALL(expr)                                                                                                     \
    do {                                                                                                               \
        err = (expr);                                                                                                  \
        if (err < JET_errSuccess)                                                                                      \
            goto cleanup;                                                                                              \
    } while (0)

/* Leaves with an error that is born here. */
#define FAIL(code)                                                                                                     \
    do {                                                                                                               \
        err = err_raise((code), __FILE__, __LINE__);                                                                   \
        goto cleanup;                                                                                                  \
    } while (0)

/* In cleanup: runs expr, keeps the first failure. */
#define CALL_KEEP_FIRST(expr)                                                                                          \
    do {                                                                                                               \
        JET_ERR keep_first_ = (expr);                                                                                  \
        if (err >= JET_errSuccess && keep_first_ < JET_errSuccess)                                                     \
            err = keep_first_;                                                                                         \
    } while (0)

#define RAISE(code) err_raise((code), __FILE__, __LINE__)

/* Returns err. The one place to break on in a debugger; prints with ESENT_TRACE=1 in the environment. */
JET_ERR err_raise(JET_ERR err, const char *file, int line);

/* "JET_errKeyDuplicate" and a short description; both are never NULL. */
const char *err_name(JET_ERR err);
const char *err_text(JET_ERR err);

#endif
