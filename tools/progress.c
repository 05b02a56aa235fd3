/* A bar on stderr, where that is a terminal: for work that takes longer than a look. */
#include <stdio.h>
#include <unistd.h>

#include "tools/tool.h"

#define WIDTH 40

static bool visible;

static void draw(const struct progress *p) {
    int filled = p->shown * WIDTH / 100;
    fprintf(stderr, "\r%s [", p->what);
    for (int i = 0; i < WIDTH; i++)
        fputc(i < filled ? '#' : '.', stderr);
    fprintf(stderr, "] %3d%%", p->shown);
    fflush(stderr);
    visible = true;
}

void progress_hide(void) {
    if (visible)
        fputs("\r\033[K", stderr);
    visible = false;
}

void progress_start(struct progress *p, const char *what, uint64_t total) {
    *p = (struct progress){.what = what, .total = total, .shown = isatty(STDERR_FILENO) ? 0 : -1};
    if (p->shown == 0)
        draw(p);
}

void progress_step(struct progress *p, uint64_t done) {
    if (p->shown < 0 || p->total == 0)
        return;
    int percent = done >= p->total ? 100 : (int)((double)done * 100 / (double)p->total);
    if (percent > p->shown) {
        p->shown = percent;
        draw(p);
    }
}

void progress_end(struct progress *p) {
    if (p->shown >= 0)
        progress_hide();
    p->shown = -1;
}
