/* Sessions and transactions. */
#include "api/handles.h"
#include "recovery/recovery.h"

JET_ERR JetBeginSession(JET_INSTANCE instance, JET_SESID *psesid, JET_PCSTR szUserName, JET_PCSTR szPassword) {
    struct api_inst *inst;
    (void)szUserName, (void)szPassword;
    if (!psesid)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_instance(instance, 0, &inst);
    if (err < JET_errSuccess)
        return err;
    err = api_session_open(inst, psesid);
    api_leave_instance(inst);
    return err;
}

JET_ERR JetDupSession(JET_SESID sesid, JET_SESID *psesid) {
    struct api_session *session;
    if (!psesid)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    err = api_session_open(session->owner, psesid);
    api_leave_session(session);
    return err;
}

JET_ERR JetEndSession(JET_SESID sesid, JET_GRBIT grbit) {
    struct api_session *session;
    if (grbit & ~(JET_GRBIT)JET_bitForceSessionClosed)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_claim_session(sesid, ENTER_ENDING, &session);
    if (err == JET_errSessionSharingViolation)
        return RAISE(JET_errSessionInUse);
    if (err < JET_errSuccess)
        return err;
    if (session->context && session->context_thread != os_thread_number()) {
        handle_release(sesid);
        return RAISE(JET_errSessionInUse);
    }
    handle_keep(sesid);
    return api_session_close(session);
}

/* ---- contexts: whose a session is, in place of its transaction's thread ---- */

JET_ERR JetSetSessionContext(JET_SESID sesid, JET_API_PTR ulContext) {
    struct api_session *session;
    if (ulContext == 0 || ulContext == UINT64_MAX)
        return RAISE(JET_errInvalidParameter);
    JET_ERR err = api_claim_session(sesid, 0, &session);
    if (err == JET_errSessionSharingViolation)
        return RAISE(JET_errSessionContextAlreadySet);
    if (err < JET_errSuccess)
        return err;
    if (session->context) {
        err = RAISE(JET_errSessionContextAlreadySet);
    } else {
        session->context = ulContext;
        session->context_thread = os_thread_number();
    }
    handle_release(sesid);
    return err;
}

JET_ERR JetResetSessionContext(JET_SESID sesid) {
    struct api_session *session;
    JET_ERR err = api_claim_session(sesid, ENTER_ENDING, &session);
    if (err < JET_errSuccess)
        return err;
    if (!session->context || session->context_thread != os_thread_number()) {
        err = RAISE(JET_errSessionContextNotSetByThisThread);
    } else {
        session->context = 0;
        session->context_thread = 0;
    }
    handle_release(sesid);
    return err;
}

/* ---- transactions ---- */

JET_ERR JetBeginTransaction2(JET_SESID sesid, JET_GRBIT grbit) {
    struct api_session *session;
    if (grbit & ~(JET_GRBIT)JET_bitTransactionReadOnly)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    err = trx_begin(session->session, grbit & JET_bitTransactionReadOnly);
    if (err >= JET_errSuccess && session_level(session->session) == 1) {
        session->trx_context = session->context;
        session->trx_thread = os_thread_number();
    }
    api_leave_session(session);
    return err;
}

JET_ERR JetBeginTransaction(JET_SESID sesid) {
    return JetBeginTransaction2(sesid, 0);
}

static JET_ERR wait_for_commits(struct api_session *session, JET_GRBIT grbit) {
    if (session_level(session->session) > 0)
        return RAISE(JET_errInTransaction);
    if (grbit == JET_bitWaitLastLevel0Commit)
        return trx_wait_last_commit(session->session);
    struct inst *inst = session->owner->inst;
    return log_flush(inst->log, log_tip(inst->log));
}

static JET_ERR commit(struct api_session *session, JET_GRBIT grbit) {
    JET_ERR err = trx_commit(session->session, grbit & JET_bitCommitLazyFlush);
    unsigned level = session_level(session->session); /* 0 also where the log failed */
    for (struct api_table *t = session->tables; t; t = t->next)
        t->level = t->level < level ? t->level : level;
    if (level == 0 && err >= JET_errSuccess)
        checkpoint_help(session->owner->inst);
    return err;
}

JET_ERR JetCommitTransaction(JET_SESID sesid, JET_GRBIT grbit) {
    struct api_session *session;
    bool wait = grbit == JET_bitWaitLastLevel0Commit || grbit == JET_bitWaitAllLevel0Commit;
    if (!wait && (grbit & ~(JET_GRBIT)JET_bitCommitLazyFlush))
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_session(sesid, 0, &session);
    if (err < JET_errSuccess)
        return err;
    if (grbit == 0)
        grbit = (JET_GRBIT)params_int(&session->owner->params, JET_paramCommitDefault) & JET_bitCommitLazyFlush;
    err = wait ? wait_for_commits(session, grbit) : commit(session, grbit);
    api_leave_session(session);
    return err;
}

/* Cursors that were opened in what is undone are closed, before: their table may go with it. */
static JET_ERR rollback(struct api_session *session, bool all) {
    unsigned level = session_level(session->session);
    if (level == 0)
        return RAISE(JET_errNotInTransaction);
    unsigned target = all ? 0 : level - 1;
    for (struct api_table *t = session->tables, *next; t; t = next) {
        next = t->next;
        if (t->level > target)
            api_table_close(t);
    }
    JET_ERR err = trx_rollback(session->session, all);
    for (struct api_table *t = session->tables; t; t = t->next)
        if (t->cursor)
            cursor_after_rollback(t->cursor, target);
    return err;
}

JET_ERR JetRollback(JET_SESID sesid, JET_GRBIT grbit) {
    struct api_session *session;
    if (grbit & ~(JET_GRBIT)JET_bitRollbackAll)
        return RAISE(JET_errInvalidGrbit);
    JET_ERR err = api_enter_session(sesid, ENTER_ENDING, &session);
    if (err < JET_errSuccess)
        return err;
    err = rollback(session, grbit & JET_bitRollbackAll);
    api_leave_session(session);
    return err;
}
