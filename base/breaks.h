/* Promises that a test can break, one at a time, to see that the others notice (tests/test_crash_breaks.c).
 *
 * Only in a library that is built with ESENT_BREAKS, which no one installs; else BROKEN() is the constant false. */
#ifndef ESENT_BASE_BREAKS_H
#define ESENT_BASE_BREAKS_H

/* name, promise, what is no longer so */
#define BREAKS(B)                                                                                                      \
    B(page_before_log, P1, "a page is written without the log being durable up to its last change")                    \
    B(commit_no_wait, P2, "a commit returns before its record is durable")                                             \
    B(log_no_sync, P2, "the log is written and not synced")                                                            \
    B(failed_write_forgiven, P3, "after a failed write of the log the instance goes on")                               \
    B(redo_again, P4, "redo applies a record to a page that has the change already")                                   \
    B(no_image, P5, "the first change of a page since it was last written has no image")                               \
    B(undo_not_logged, P6, "an undo does not say that it is one, so that it is undone again")                          \
    B(open_not_undone, P6, "recovery does not undo what did not commit")                                               \
    B(checkpoint_ignores_pages, P7, "the checkpoint passes changes that are in no file")                               \
    B(checkpoint_ignores_trx, P7, "the checkpoint passes the begin of an open transaction")                            \
    B(database_no_sync, P7, "the checkpoint passes changes in a file that is never synced")                            \
    B(header_not_sure, P7, "both headers of a database are written without a sync between them")                       \
    B(generation_no_dir_sync, P8, "a generation's name is not made durable")                                           \
    B(generation_name_first, P8, "a generation gets its name before its header is durable")                            \
    B(truncate_one_more, P9, "one log file too many is deleted")                                                       \
    B(truncate_forgets_backup, P9, "log files are deleted that the next incremental backup needs")                     \
    B(circular_forgets_backup, P9, "log files are deleted that the backup under way still copies")                     \
    B(set_no_sync, P10, "the files of a set are not synced")                                                           \
    B(set_old_first, P10, "the previous set is deleted before the new one is complete")                                \
    B(failed_backup_stays, P10, "what a failed backup wrote is not taken away")                                        \
    B(pages_not_verified, P11, "pages are copied without being verified")                                              \
    B(logs_not_verified, P11, "log files are copied without being verified")                                           \
    B(copy_attachable, P13, "a copy in a set may be attached without a restore")                                       \
    B(page_trusted, P14, "a page that is read is not verified")

#ifdef ESENT_BREAKS
enum broken {
    NOTHING_BROKEN,
#define B(name, promise, what) BROKEN_##name,
    BREAKS(B)
#undef B
};
extern enum broken broken_now; /* set while no instance is there */
#define BROKEN(name) (broken_now == BROKEN_##name)
#else
#define BROKEN(name) 0
#endif

#endif
