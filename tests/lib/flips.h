/* Every byte of a file is changed in turn, one bit of it or to another value; the file is cut at every 512 bytes, and
 * grown by garbage. After each change somebody looks, and says what came of it.
 *
 * Looking happens in a child, many times in each: one that dies, hangs or takes more memory than `memory_max` above
 * what the unchanged file takes counts as wrong. */
#ifndef ESENT_TESTS_FLIPS_H
#define ESENT_TESTS_FLIPS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum flip_outcome {
    FLIP_CORRECT,   /* all rows, as acknowledged */
    FLIP_CORRECTED, /* the same, after a flipped bit was corrected */
    FLIP_TAIL,      /* all rows of an earlier acknowledged state: what cannot be told from a torn write */
    FLIP_ERROR,     /* a documented error, and no wrong row before it */
    FLIP_WRONG,
    FLIP_OUTCOMES
};

struct flips {
    const char *what; /* printed */
    const char *path; /* of a disk of disk.h */
    const struct disk_image *image;
    enum flip_outcome (*look)(JET_ERR *err); /* err: of FLIP_ERROR, or why it is FLIP_WRONG */
    uint64_t count;                          /* changes to try, evenly spread over the file; 0: all */
};

struct flips_result {
    uint64_t bytes, tried, outcomes[FLIP_OUTCOMES];
};

/* How many changes: `otherwise`, a tenth of it under sanitizers, or what ESENT_FLIPS says (0: all). */
uint64_t flips_count(uint64_t otherwise);
/* Prints one line, and each change that went wrong; adds to the figures of the run. */
struct flips_result flips_run(const struct flips *flips);

#endif
