/* The scan reads in pieces of 1 MiB. Two threads take the pieces as they come, so that one reads while the other
 * computes; each keeps its own counts and findings until the end. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/checksum.h"
#include "base/thread.h"
#include "engine/page.h"
#include "tools/pages.h"

#define PIECE_BYTES (1u << 20)
#define WORKERS 2

struct worker {
    struct page_scan *scan;
    _Atomic uint64_t *next; /* piece */
    uint64_t pieces;
    struct progress *progress; /* NULL: this one does not draw */
    uint8_t *buffer;
    JET_ERR err;
    struct page_counts owned, beyond;
    struct page_finding *findings;
    size_t count, room;
};

static void add_finding(struct worker *w, const struct page_finding *finding) {
    if (w->count == w->room) {
        size_t room = w->room ? 2 * w->room : 64;
        struct page_finding *grown = realloc(w->findings, room * sizeof *grown);
        if (!grown) {
            w->err = JET_errOutOfMemory;
            return;
        }
        w->findings = grown;
        w->room = room;
    }
    w->findings[w->count++] = *finding;
}

/* Small pages do not hold their number, but it is in their sum: a page in the wrong place differs from the right one in
 * nothing else. 0: this is not one. */
static pgno_t misplaced_from(const struct page_scan *scan, const uint8_t *page, pgno_t pgno) {
    if (scan->page_size > 8192)
        return 0;
    uint64_t diff = load64(page) ^ sum_block(page, scan->page_size, pgno, true);
    pgno_t other = pgno ^ (pgno_t)diff;
    return diff >> 32 == 0 && other != pgno && other >= 1 && other <= scan->last ? other : 0;
}

/* The checksum's verdict, then the structure of what can be read. False: a page to count as bad. */
static bool judge(struct worker *w, uint8_t *page, pgno_t pgno, enum page_verdict verdict,
                  struct page_finding *finding) {
    struct page view = {page, w->scan->page_size};
    switch (verdict) {
    case PAGE_GOOD:
        break;
    case PAGE_CORRECTABLE:
    case PAGE_CORRECTED:
        finding->fault = FAULT_CORRECTABLE;
        (void)page_sum_check(page, view.size, pgno, true);
        break;
    case PAGE_BAD_PGNO:
        finding->fault = FAULT_PGNO;
        finding->other = load32(page + 64);
        return false;
    case PAGE_BAD_SUM:
        finding->other = misplaced_from(w->scan, page, pgno);
        finding->fault = finding->other ? FAULT_PGNO : FAULT_SUM;
        return false;
    case PAGE_BLANK:
        return true;
    }
    if (page_check(&view, &finding->why) < JET_errSuccess) {
        finding->fault = FAULT_STRUCTURE;
        return false;
    }
    return true;
}

static void check_page(struct worker *w, uint8_t *page, pgno_t pgno) {
    bool owned = pgno <= w->scan->owned_last;
    struct page_counts *counts = owned ? &w->owned : &w->beyond;
    struct page_finding finding = {.pgno = pgno};
    struct page view = {page, w->scan->page_size};
    enum page_verdict verdict = page_sum_check(page, view.size, pgno, false);
    bool sound = judge(w, page, pgno, verdict, &finding);

    if (verdict == PAGE_BLANK)
        counts->blank++;
    else if (!sound)
        counts->bad++;
    else if (verdict == PAGE_GOOD)
        counts->good++;
    else
        counts->correctable++;
    if (owned && (!sound || verdict == PAGE_CORRECTABLE))
        add_finding(w, &finding);
    if (owned && sound && verdict != PAGE_BLANK && page_dbtime(&view) > w->scan->dbtime_max) {
        finding.fault = FAULT_NEWER;
        add_finding(w, &finding);
    }
}

/* A piece that cannot be read as one is read page by page. */
static void check_piece_slowly(struct worker *w, pgno_t first, uint32_t count) {
    for (pgno_t pgno = first; pgno < first + count; pgno++) {
        JET_ERR err = os_read(w->scan->file, page_offset(w->scan, pgno), w->buffer, w->scan->page_size);
        if (err >= JET_errSuccess) {
            check_page(w, w->buffer, pgno);
            continue;
        }
        if (pgno > w->scan->owned_last) {
            w->beyond.bad++;
            continue;
        }
        w->owned.bad++;
        add_finding(w, &(struct page_finding){.pgno = pgno, .fault = FAULT_UNREADABLE, .err = err});
    }
}

static void *work(void *arg) {
    struct worker *w = arg;
    const struct page_scan *scan = w->scan;
    uint32_t per_piece = PIECE_BYTES / scan->page_size;
    uint64_t piece;
    while (w->err >= JET_errSuccess && (piece = atomic_fetch_add(w->next, 1)) < w->pieces) {
        pgno_t first = (pgno_t)(1 + piece * per_piece);
        uint32_t count = scan->last - first + 1 < per_piece ? scan->last - first + 1 : per_piece;
        if (os_read(scan->file, page_offset(scan, first), w->buffer, (size_t)count * scan->page_size) < JET_errSuccess)
            check_piece_slowly(w, first, count);
        else
            for (uint32_t i = 0; i < count; i++)
                check_page(w, w->buffer + (size_t)i * scan->page_size, first + i);
        if (w->progress)
            progress_step(w->progress, piece + 1);
    }
    return NULL;
}

static int by_page(const void *a, const void *b) {
    const struct page_finding *x = a, *y = b;
    return x->pgno != y->pgno ? (x->pgno < y->pgno ? -1 : 1) : (int)x->fault - (int)y->fault;
}

static void add_counts(struct page_counts *sum, const struct page_counts *part) {
    sum->good += part->good;
    sum->blank += part->blank;
    sum->correctable += part->correctable;
    sum->bad += part->bad;
}

static JET_ERR collect(struct page_scan *scan, const struct worker *workers) {
    JET_ERR err = JET_errSuccess;
    size_t count = 0;
    for (int i = 0; i < WORKERS; i++) {
        CALL(workers[i].err);
        count += workers[i].count;
        add_counts(&scan->owned, &workers[i].owned);
        add_counts(&scan->beyond, &workers[i].beyond);
    }
    scan->findings = calloc(count + 1, sizeof *scan->findings);
    if (!scan->findings)
        FAIL(JET_errOutOfMemory);
    for (int i = 0; i < WORKERS; i++) {
        if (workers[i].count)
            memcpy(scan->findings + scan->finding_count, workers[i].findings,
                   workers[i].count * sizeof *scan->findings);
        scan->finding_count += workers[i].count;
    }
    qsort(scan->findings, count, sizeof *scan->findings, by_page);
cleanup:
    return err;
}

JET_ERR pages_scan(struct page_scan *scan) {
    JET_ERR err = JET_errSuccess;
    _Atomic uint64_t next = 0;
    struct worker workers[WORKERS] = {0};
    struct progress progress;
    os_thread_t thread;
    bool started = false;
    uint64_t pieces = ((uint64_t)scan->last * scan->page_size + PIECE_BYTES - 1) / PIECE_BYTES;

    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.scan = scan, .next = &next, .pieces = pieces, .buffer = malloc(PIECE_BYTES)};
        if (!workers[i].buffer)
            workers[i].err = JET_errOutOfMemory;
    }
    (void)sum_kernel_chosen(); /* once, before there are two */
    progress_start(&progress, "pages", pieces);
    workers[0].progress = &progress;
    started = pieces > 1 && os_thread_start(&thread, work, &workers[1]) >= JET_errSuccess;
    work(&workers[0]);
    if (started)
        os_thread_join(thread);
    progress_end(&progress);
    CALL(collect(scan, workers));
cleanup:
    for (int i = 0; i < WORKERS; i++) {
        free(workers[i].buffer);
        free(workers[i].findings);
    }
    return err;
}

void pages_done(struct page_scan *scan) {
    free(scan->findings);
    scan->findings = NULL;
    scan->finding_count = 0;
}

void page_finding_text(const struct page_finding *f, char out[256]) {
    switch (f->fault) {
    case FAULT_CORRECTABLE:
        snprintf(out, 256, "a bit is flipped, ECC corrects it");
        return;
    case FAULT_SUM:
        snprintf(out, 256, "the checksum is wrong and ECC cannot correct it");
        return;
    case FAULT_PGNO:
        snprintf(out, 256, "holds what belongs to page %u", f->other);
        return;
    case FAULT_STRUCTURE:
        snprintf(out, 256, "the checksum holds but not the structure: %s", f->why);
        return;
    case FAULT_UNREADABLE:
        snprintf(out, 256, "cannot be read: %s", err_words(f->err));
        return;
    case FAULT_NEWER:
        snprintf(out, 256, "was changed after the header was written");
        return;
    }
}
