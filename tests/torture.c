/* ./dev torture: power cuts over all scenarios with fresh seeds, for as long as it is told.
 *
 *     torture [--hours H | --minutes M] [--scenario S] [--seed N]
 *     torture --scenario S --seed N --cut K --draw D        exactly one state
 *
 * Exit code 1: something was lost; each line "lost: ..." says what repeats it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/lib/test.h"
#include "tests/lib/torture.h"

struct options {
    double seconds;
    unsigned scenario; /* torture_count(): all */
    uint64_t seed, cut, draw;
};

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int usage(void) {
    fprintf(stderr,
            "usage: torture [--hours H | --minutes M] [--scenario S] [--seed N [--cut K --draw D]]\nscenarios:\n");
    for (unsigned i = 0; i < torture_count(); i++)
        fprintf(stderr, "    \"%s\"\n", torture_name(i));
    return 2;
}

static bool parse(struct options *o, int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--hours") == 0)
            o->seconds = 3600 * atof(value);
        else if (strcmp(argv[i], "--minutes") == 0)
            o->seconds = 60 * atof(value);
        else if (strcmp(argv[i], "--scenario") == 0 && torture_find(value) < torture_count())
            o->scenario = torture_find(value);
        else if (strcmp(argv[i], "--seed") == 0)
            o->seed = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--cut") == 0)
            o->cut = strtoull(value, NULL, 0);
        else if (strcmp(argv[i], "--draw") == 0)
            o->draw = strtoull(value, NULL, 0);
        else
            return false;
    }
    return argc % 2 == 1 && (!o->cut || o->scenario < torture_count());
}

static int one_state(const struct options *o) {
    struct torture *t = torture_play(o->scenario, o->seed);
    if (!t)
        return 1;
    torture_says = true;
    bool good = torture_cut(t, o->cut, o->draw);
    printf("%s, seed %llu, cut %llu of %llu, draw %llu: %s\n", torture_name(o->scenario), (unsigned long long)o->seed,
           (unsigned long long)o->cut, (unsigned long long)torture_changes(t), (unsigned long long)o->draw,
           good ? "good" : "lost");
    torture_free(t);
    return !good;
}

static int power_cuts(const struct options *o) {
    const double start = now();
    double shown = start;
    struct torture_counts counts = {0};
    uint64_t seed = o->seed;
    for (unsigned i = 0; now() - start < o->seconds; i++) {
        unsigned scenario = o->scenario < torture_count() ? o->scenario : i % torture_count();
        torture_sweep(scenario, seed++, 200, &counts);
        if (now() - shown < 60)
            continue;
        shown = now();
        printf("%.0f minutes, power cut: %llu states, %llu lost\n", (shown - start) / 60,
               (unsigned long long)counts.states, (unsigned long long)counts.lost);
        fflush(stdout);
    }
    test_figure("power cut", counts.states, "states", counts.lost, "lost");
    return counts.lost > 0;
}

int main(int argc, char **argv) {
    struct options o = {.seconds = 600, .scenario = torture_count(), .seed = (uint64_t)time(NULL) * 1000};
    if (!parse(&o, argc, argv))
        return usage();
    return o.cut ? one_state(&o) : power_cuts(&o);
}
