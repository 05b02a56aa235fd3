/* libesent: the JET API of ESE (the Extensible Storage Engine) for Linux.
 *
 * The names, values, structs and signatures are ESE's, so that code written for ESE compiles. Three things to know:
 *
 *   numbers    A Windows `long` has 32 bits. Here every such parameter and field is int32_t or uint32_t; a program
 *              that passes the address of an `unsigned long` passes that of a uint32_t instead.
 *   strings    UTF-8, char *. Paths may be relative to the working directory, with '/' between their parts; what is
 *              handed back is absolute, with symbolic links left as they are. Names of tables, columns and indexes
 *              are ASCII, 1 to 64 characters, without ! . [ ] and control characters, not beginning with a space, and
 *              compare without regard to case.
 *   calls      There is no calling convention: JET_API is empty.
 *
 * Results. JET_ERR is negative for an error, 0 for success and positive for a warning, which is a success: test
 * `err < JET_errSuccess`. Unless said otherwise an output is written only on success (or with a warning), and a call
 * that failed has changed nothing.
 *
 * Errors that any function may give, and that the functions below do not list again:
 *   JET_errInvalidParameter      a required pointer is NULL, a value is out of range
 *   JET_errInvalidGrbit          an unknown option, or options that do not go together
 *   JET_errInvalidInstance, JET_errInvalidSesid, JET_errInvalidTableId, JET_errInvalidDatabaseId
 *                                the handle was never given out, or is closed
 *   JET_errSesidTableIdMismatch  the cursor belongs to another session
 *   JET_errNotInitialized        the instance is not running: JetInit has not been called
 *   JET_errSessionSharingViolation  another thread is inside a call with this session, or the session is in a
 *                                transaction that another thread began
 *   JET_errTermInProgress        the instance is being terminated
 *   JET_errClientRequestToStopJetService  JetStopServiceInstance has been called
 *   JET_errRestoreInProgress, JET_errInitInProgress
 *   JET_errInstanceUnavailable   writing the log failed, or another fault that cannot be undone: everything is refused
 *                                until the instance is terminated and started again (then it recovers). After a full
 *                                log disk JET_errInstanceUnavailableDueToFatalLogDiskFull.
 *   JET_errOutOfMemory
 * And where pages are read or changed:
 *   JET_errReadVerifyFailure, JET_errReadPgnoVerifyFailure, JET_errPageNotInitialized   the page is damaged
 *   JET_errReadLostFlushVerifyFailure  the page is not as this instance wrote it: the disk lost a write
 *   JET_errFileIOBeyondEOF       the file ends before it
 *   JET_errDatabaseCorrupted, JET_errBadPageLink, JET_errNodeCorrupted, ...   its contents are
 *   JET_errDiskIO, JET_errDiskFull, JET_errLogWriteFail, JET_errLogDiskFull
 *   JET_errVersionStoreOutOfMemory  the versions of open transactions fill JET_paramMaxVerPages: roll back
 *   JET_errOutOfBuffers          every page of the cache is in use
 *
 * Threads. Any thread may call; a session is used by one thread at a time, and from JetBeginTransaction until the
 * outermost level ends by the thread that began it (JetSetSessionContext lends it to others). A call that breaks this
 * gets JET_errSessionSharingViolation and does not disturb the thread that is right. JetEndSession and JetTerm may come
 * from any thread. Sessions of different threads run at the same time. Functions that take an instance are safe against
 * each other. Callbacks are called on the thread that made the call, with no lock held; they may use the API, but not
 * the session of the call that runs. (Not so JetSetEventCallback's.)
 *
 * Each function is described in this order: what it does; its arguments; Errors beyond the list above; the state after
 * a failure, where it is not simply unchanged; Source, the ESE documentation page or symbol; Differs, where this
 * implementation does. */
#ifndef ESENT_H
#define ESENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef JET_VERSION
#define JET_VERSION 0x0a00 /* the ESE of Windows 10 */
#endif

#define JET_API /* the calling convention on Windows */

/* ---- types ---- */

typedef int32_t JET_ERR;
typedef uint64_t JET_API_PTR; /* an integer that holds a pointer */
typedef JET_API_PTR JET_INSTANCE;
typedef JET_API_PTR JET_SESID;
typedef JET_API_PTR JET_TABLEID;
typedef JET_API_PTR JET_HANDLE;
typedef JET_API_PTR JET_LS;
typedef uint32_t JET_COLUMNID;
typedef uint32_t JET_DBID;
typedef uint32_t JET_COLTYP; /* JET_coltyp... */
typedef uint32_t JET_OBJTYP; /* JET_objtyp... */
typedef uint32_t JET_CBTYP;
typedef uint32_t JET_GRBIT;    /* a group of option bits */
typedef uint32_t JET_SNP;      /* JET_snp...: what reports its progress */
typedef uint32_t JET_SNT;      /* JET_snt...: what it reports */
typedef double JET_DATESERIAL; /* days since 1899-12-30, as JET_coltypDateTime */

typedef char *JET_PSTR;
typedef const char *JET_PCSTR;
/* A UTF-16 unit, the WCHAR of Windows. */
#ifdef __cplusplus
typedef char16_t JET_WCHAR;
#else
typedef uint16_t JET_WCHAR;
#endif
typedef JET_WCHAR *JET_PWSTR;
typedef const JET_WCHAR *JET_PCWSTR;

#define JET_instanceNil (~(JET_INSTANCE)0)
#define JET_sesidNil (~(JET_SESID)0)
#define JET_tableidNil (~(JET_TABLEID)0)
#define JET_LSNil (~(JET_LS)0)
#define JET_dbidNil ((JET_DBID)0xFFFFFFFF)
#define JET_bitNil ((JET_GRBIT)0)

#define JET_BASE_NAME_LENGTH 3
#define JET_MAX_COMPUTERNAME_LENGTH 15

/* ---- what stands in file headers: positions, times, signatures, backups ---- */

#pragma pack(push, 1)

/* A position in the log; all zero: none. */
typedef struct {
    uint16_t ib;         /* byte in the sector */
    uint16_t isec;       /* sector of 512 bytes */
    int32_t lGeneration; /* of the log file */
} JET_LGPOS;

/* A time of day; all zero: not set. */
typedef struct {
    char bSeconds; /* 0..59 */
    char bMinutes; /* 0..59 */
    char bHours;   /* 0..23 */
    char bDay;     /* 1..31 */
    char bMonth;   /* 1..12 */
    char bYear;    /* years since 1900 */
    char bFiller1; /* bit 0: UTC (always set here); bits 1..7: milliseconds, the low 7 bits */
    char bFiller2; /* bit 0: backup by snapshot; bits 1..3: milliseconds, the high 3 bits */
} JET_LOGTIME;
typedef JET_LOGTIME JET_BKLOGTIME;

/* Says which database or log stream a file belongs to. */
typedef struct {
    uint32_t ulRandom;
    JET_LOGTIME logtimeCreate;
    char szComputerName[JET_MAX_COMPUTERNAME_LENGTH + 1]; /* always empty here */
} JET_SIGNATURE;

/* A backup, as the database header remembers it; genLow 0: none. */
typedef struct {
    JET_LGPOS lgposMark; /* where the log stood */
    union {
        JET_LOGTIME logtimeMark;
        JET_BKLOGTIME bklogtimeMark;
    };
    uint32_t genLow;  /* first log generation of the set */
    uint32_t genHigh; /* last; 0 in bkinfoFullCur */
} JET_BKINFO;

#pragma pack(pop)

#define JET_dbstateJustCreated 1
#define JET_dbstateDirtyShutdown 2
#define JET_dbstateCleanShutdown 3
#define JET_dbstateBeingConverted 4
#define JET_dbstateForceDetach 5
#define JET_dbstateIncrementalReseedInProgress 6
#define JET_dbstateDirtyAndPatchedShutdown 7
#define JET_dbstateRevertInProgress 8

/* The database header in words (JET_DbInfoMisc). Each later struct begins with the fields of the one before. */
typedef struct {
    uint32_t ulVersion; /* format of the file, 0x620 */
    uint32_t ulUpdate;  /* its revision */
    JET_SIGNATURE signDb;
    uint32_t dbstate; /* JET_dbstate... */
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;     /* of the log stream the database is attached to, or was last */
    JET_BKINFO bkinfoFullPrev; /* the last full backup */
    JET_BKINFO bkinfoIncPrev;  /* the last incremental backup since */
    JET_BKINFO bkinfoFullCur;  /* set in a copy that a backup made, until it is restored */
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion; /* the four: system that wrote the file last */
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize; /* bytes */
} JET_DBINFOMISC;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired; /* log generations that recovery needs, first and last; 0: none */
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess; /* single flipped bits corrected */
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum; /* pages found damaged */
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
} JET_DBINFOMISC2;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired;
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess;
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum;
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
    uint32_t genCommitted; /* last generation whose commits must not be lost */
} JET_DBINFOMISC3;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired;
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess;
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum;
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
    uint32_t genCommitted;
    JET_BKINFO bkinfoCopyPrev;
    JET_BKINFO bkinfoDiffPrev;
} JET_DBINFOMISC4;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired;
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess;
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum;
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
    uint32_t genCommitted;
    JET_BKINFO bkinfoCopyPrev;
    JET_BKINFO bkinfoDiffPrev;
    uint32_t ulIncrementalReseedCount;
    JET_LOGTIME logtimeIncrementalReseed;
    uint32_t ulIncrementalReseedCountOld;
    uint32_t ulPagePatchCount;
    JET_LOGTIME logtimePagePatch;
    uint32_t ulPagePatchCountOld;
} JET_DBINFOMISC5;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired;
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess;
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum;
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
    uint32_t genCommitted;
    JET_BKINFO bkinfoCopyPrev;
    JET_BKINFO bkinfoDiffPrev;
    uint32_t ulIncrementalReseedCount;
    JET_LOGTIME logtimeIncrementalReseed;
    uint32_t ulIncrementalReseedCountOld;
    uint32_t ulPagePatchCount;
    JET_LOGTIME logtimePagePatch;
    uint32_t ulPagePatchCountOld;
    JET_LOGTIME logtimeChecksumPrev;
    JET_LOGTIME logtimeChecksumStart;
    uint32_t cpgDatabaseChecked;
} JET_DBINFOMISC6;

typedef struct {
    uint32_t ulVersion;
    uint32_t ulUpdate;
    JET_SIGNATURE signDb;
    uint32_t dbstate;
    JET_LGPOS lgposConsistent;
    JET_LOGTIME logtimeConsistent;
    JET_LOGTIME logtimeAttach;
    JET_LGPOS lgposAttach;
    JET_LOGTIME logtimeDetach;
    JET_LGPOS lgposDetach;
    JET_SIGNATURE signLog;
    JET_BKINFO bkinfoFullPrev;
    JET_BKINFO bkinfoIncPrev;
    JET_BKINFO bkinfoFullCur;
    uint32_t fShadowingDisabled;
    uint32_t fUpgradeDb;
    uint32_t dwMajorVersion;
    uint32_t dwMinorVersion;
    uint32_t dwBuildNumber;
    int32_t lSPNumber;
    uint32_t cbPageSize;
    uint32_t genMinRequired;
    uint32_t genMaxRequired;
    JET_LOGTIME logtimeGenMaxCreate;
    uint32_t ulRepairCount;
    JET_LOGTIME logtimeRepair;
    uint32_t ulRepairCountOld;
    uint32_t ulECCFixSuccess;
    JET_LOGTIME logtimeECCFixSuccess;
    uint32_t ulECCFixSuccessOld;
    uint32_t ulECCFixFail;
    JET_LOGTIME logtimeECCFixFail;
    uint32_t ulECCFixFailOld;
    uint32_t ulBadChecksum;
    JET_LOGTIME logtimeBadChecksum;
    uint32_t ulBadChecksumOld;
    uint32_t genCommitted;
    JET_BKINFO bkinfoCopyPrev;
    JET_BKINFO bkinfoDiffPrev;
    uint32_t ulIncrementalReseedCount;
    JET_LOGTIME logtimeIncrementalReseed;
    uint32_t ulIncrementalReseedCountOld;
    uint32_t ulPagePatchCount;
    JET_LOGTIME logtimePagePatch;
    uint32_t ulPagePatchCountOld;
    JET_LOGTIME logtimeChecksumPrev;
    JET_LOGTIME logtimeChecksumStart;
    uint32_t cpgDatabaseChecked;
    JET_LOGTIME logtimeLastReAttach;
    JET_LGPOS lgposLastReAttach;
} JET_DBINFOMISC7;

/* ---- progress ---- */

typedef struct {
    uint32_t cbStruct;
    uint32_t cunitDone;
    uint32_t cunitTotal; /* 100: units are percent */
} JET_SNPROG;

/* Reports progress of what takes long. snp says what runs, snt what is reported: JET_sntBegin, JET_sntProgress any
 * number of times, and JET_sntComplete or JET_sntFail; of a call that is refused before it begins, nothing. pv: a
 * JET_SNPROG, whose cunitDone never falls. sesid is 0 for a backup or restore. An error returned ends the operation
 * with it; for a backup or restore, what is returned for JET_sntComplete and JET_sntFail is ignored.
 *
 * It may use the API, JetStopBackupInstance included. It cannot end its instance, nor begin another backup, restore or
 * start of it: JET_errBackupInProgress, JET_errRestoreInProgress, JET_errInitInProgress, JET_errBackupNotAllowedYet, by
 * what runs.
 * Source: JET_PFNSTATUS. */
typedef JET_ERR (*JET_PFNSTATUS)(JET_SESID sesid, JET_SNP snp, JET_SNT snt, void *pv);

#define JET_snpRepair 2
#define JET_snpCompact 4
#define JET_snpRestore 8
#define JET_snpBackup 9
#define JET_snpUpgrade 10
#define JET_snpScrub 11
#define JET_snpUpgradeRecordFormat 12
#define JET_snpRecoveryControl 18
#define JET_snpExternalAutoHealing 19
#define JET_snpSpaceCategorization 20

#define JET_sntProgress 0
#define JET_sntFail 3
#define JET_sntBegin 5
#define JET_sntComplete 6
#define JET_sntRequirements 7
#define JET_sntOpenLog 1001
#define JET_sntOpenCheckpoint 1002
#define JET_sntMissingLog 1004
#define JET_sntBeginUndo 1005
#define JET_sntNotificationEvent 1006
#define JET_sntSignalErrorCondition 1007
#define JET_sntAttachedDb 1008
#define JET_sntDetachingDb 1009
#define JET_sntCommitCtx 1010

/* ---- instances, logs, restore maps ---- */

/* Source: JET_SETSYSPARAM. */
typedef struct {
    uint32_t paramid;
    JET_API_PTR lParam;
    const char *sz;
    JET_ERR err;
} JET_SETSYSPARAM;

/* Source: JET_INSTANCE_INFO. */
typedef struct {
    JET_INSTANCE hInstanceId;
    char *szInstanceName;
    JET_API_PTR cDatabases;
    char **szDatabaseFileName;
    char **szDatabaseDisplayName;
    char **szDatabaseSLVFileName; /* always NULL */
} JET_INSTANCE_INFO;

/* Source: JET_LOGINFO. */
typedef struct {
    uint32_t cbSize;
    uint32_t ulGenLow;
    uint32_t ulGenHigh;
    char szBaseName[JET_BASE_NAME_LENGTH + 1];
} JET_LOGINFO;

/* Source: JET_RSTMAP. */
typedef struct {
    char *szDatabaseName;    /* as the log has it */
    char *szNewDatabaseName; /* where it is now */
} JET_RSTMAP;

/* Source: JET_RSTINFO. */
typedef struct {
    uint32_t cbStruct;
    JET_RSTMAP *rgrstmap;
    int32_t crstmap;
    JET_LGPOS lgposStop;     /* JetInit3: where redo stops. JetRestoreInstance2: lGeneration is the last one replayed */
    JET_LOGTIME logtimeStop; /* no log file that was created later is replayed; 0: any */
    JET_PFNSTATUS pfnStatus; /* may be NULL */
} JET_RSTINFO;

/* ---- definitions of columns, indexes, tables ---- */

#define JET_coltypNil 0
#define JET_coltypBit 1 /* 1 byte, 0 or 0xff */
#define JET_coltypUnsignedByte 2
#define JET_coltypShort 3    /* 16 bits, signed */
#define JET_coltypLong 4     /* 32 bits, signed */
#define JET_coltypCurrency 5 /* 64 bits, signed */
#define JET_coltypIEEESingle 6
#define JET_coltypIEEEDouble 7
#define JET_coltypDateTime 8 /* JET_DATESERIAL */
#define JET_coltypBinary 9   /* up to 255 bytes */
#define JET_coltypText 10    /* up to 255 bytes */
#define JET_coltypLongBinary 11
#define JET_coltypLongText 12
#define JET_coltypSLV 13 /* not supported */
#define JET_coltypUnsignedLong 14
#define JET_coltypLongLong 15 /* 64 bits, signed */
#define JET_coltypGUID 16     /* 16 bytes */
#define JET_coltypUnsignedShort 17
#define JET_coltypUnsignedLongLong 18
#define JET_coltypMax 19

#define JET_bitColumnFixed 0x00000001  /* takes its room in every record */
#define JET_bitColumnTagged 0x00000002 /* takes room only where it is set */
#define JET_bitColumnNotNULL 0x00000004
#define JET_bitColumnVersion 0x00000008       /* counts the updates of a record; Long */
#define JET_bitColumnAutoincrement 0x00000010 /* unique and growing; Long, UnsignedLong, LongLong, Currency */
#define JET_bitColumnUpdatable 0x00000020
#define JET_bitColumnTTKey 0x00000040
#define JET_bitColumnTTDescending 0x00000080
#define JET_bitColumnMultiValued 0x00000400 /* several values each; tagged */
#define JET_bitColumnEscrowUpdate 0x00000800
#define JET_bitColumnUnversioned 0x00001000
#define JET_bitColumnMaybeNull 0x00002000
#define JET_bitColumnFinalize 0x00004000
#define JET_bitColumnUserDefinedDefault 0x00008000
#define JET_bitColumnDeleteOnZero 0x00020000
#define JET_bitColumnVariable 0x00040000
#define JET_bitColumnCompressed 0x00080000
#define JET_bitColumnEncrypted 0x00100000

/* Source: JET_COLUMNDEF. */
typedef struct {
    uint32_t cbStruct;
    JET_COLUMNID columnid; /* 0 on input */
    JET_COLTYP coltyp;
    uint16_t wCountry;
    uint16_t langid;
    uint16_t cp; /* of text: 1252 or 1200 (UTF-16); 0: 1252 */
    uint16_t wCollate;
    uint32_t cbMax;  /* bytes; 0: the type's maximum */
    JET_GRBIT grbit; /* JET_bitColumn... */
} JET_COLUMNDEF;

/* Source: JET_COLUMNBASE. */
typedef struct {
    uint32_t cbStruct;
    JET_COLUMNID columnid;
    JET_COLTYP coltyp;
    uint16_t wCountry;
    uint16_t langid;
    uint16_t cp;
    uint16_t wFiller;
    uint32_t cbMax;
    JET_GRBIT grbit;
    char szBaseTableName[256];
    char szBaseColumnName[256];
} JET_COLUMNBASE;

/* A column of JetCreateTableColumnIndex. Source: JET_COLUMNCREATE. */
typedef struct {
    uint32_t cbStruct;
    char *szColumnName;
    JET_COLTYP coltyp;
    uint32_t cbMax;
    JET_GRBIT grbit;
    void *pvDefault;    /* NULL: NULL is the default */
    uint32_t cbDefault; /* bytes; more than 255 is cut */
    uint32_t cp;
    JET_COLUMNID columnid; /* out */
    JET_ERR err;           /* out: what became of this column */
} JET_COLUMNCREATE;

typedef struct {
    uint32_t lcid;       /* 0x0409: English (United States); 0x007f: invariant */
    uint32_t dwMapFlags; /* LCMapString flags of Windows; 0: the default */
} JET_UNICODEINDEX;

typedef struct {
    JET_WCHAR *szLocaleName; /* "en-US"; "": invariant */
    uint32_t dwMapFlags;
} JET_UNICODEINDEX2;

typedef struct {
    uint32_t chLengthMin;
    uint32_t chLengthMax;
    uint32_t chToIndexMax;
    uint32_t cchIncrement;
    uint32_t ichStart;
} JET_TUPLELIMITS;

#define JET_bitIndexColumnMustBeNull 0x00000001
#define JET_bitIndexColumnMustBeNonNull 0x00000002

typedef struct {
    uint32_t cbStruct;
    char *szColumnName;
    JET_GRBIT grbit; /* JET_bitIndexColumn... */
} JET_CONDITIONALCOLUMN;

typedef struct {
    uint32_t cbStruct;
    uint32_t ulInitialDensity;
    uint32_t cbInitial;
    JET_GRBIT grbit;
    uint32_t ulMaintDensity;
    uint32_t ulGrowth;
    uint32_t cbMinExtent;
    uint32_t cbMaxExtent;
} JET_SPACEHINTS;

#define JET_bitKeyAscending 0x00000000
#define JET_bitKeyDescending 0x00000001

#define JET_bitIndexUnique 0x00000001
#define JET_bitIndexPrimary 0x00000002
#define JET_bitIndexDisallowNull 0x00000004
#define JET_bitIndexIgnoreNull 0x00000008
#define JET_bitIndexClustered40 0x00000010
#define JET_bitIndexIgnoreAnyNull 0x00000020
#define JET_bitIndexIgnoreFirstNull 0x00000040
#define JET_bitIndexLazyFlush 0x00000080
#define JET_bitIndexEmpty 0x00000100
#define JET_bitIndexUnversioned 0x00000200
#define JET_bitIndexSortNullsHigh 0x00000400
#define JET_bitIndexUnicode 0x00000800 /* pidxunicode instead of lcid */
#define JET_bitIndexTuples 0x00001000
#define JET_bitIndexTupleLimits 0x00002000 /* ptuplelimits instead of cbVarSegMac */
#define JET_bitIndexCrossProduct 0x00004000
#define JET_bitIndexKeyMost 0x00008000 /* cbKeyMost is set */
#define JET_bitIndexDisallowTruncation 0x00010000
#define JET_bitIndexNestedTable 0x00020000
#define JET_bitIndexDotNetGuid 0x00040000
#define JET_bitIndexImmutableStructure 0x00080000

/* Source: JET_INDEXCREATE. */
typedef struct {
    uint32_t cbStruct;
    char *szIndexName;
    char *szKey;        /* "+column\0-column\0\0": + ascending, - descending, most significant first */
    uint32_t cbKey;     /* bytes, with the two NULs at the end */
    JET_GRBIT grbit;    /* JET_bitIndex... */
    uint32_t ulDensity; /* percent, 20..100; 0: that of the table */
    union {
        uint32_t lcid;
        JET_UNICODEINDEX *pidxunicode;
    };
    union {
        uint32_t cbVarSegMac; /* bytes of a key that one column may take; 0: no limit */
        JET_TUPLELIMITS *ptuplelimits;
    };
    JET_CONDITIONALCOLUMN *rgconditionalcolumn;
    uint32_t cConditionalColumn;
    JET_ERR err;        /* out: what became of this index */
    uint32_t cbKeyMost; /* bytes, 255..JET_paramKeyMost; 255 without JET_bitIndexKeyMost */
} JET_INDEXCREATE;

typedef struct {
    uint32_t cbStruct;
    char *szIndexName;
    char *szKey;
    uint32_t cbKey;
    JET_GRBIT grbit;
    uint32_t ulDensity;
    union {
        uint32_t lcid;
        JET_UNICODEINDEX *pidxunicode;
    };
    union {
        uint32_t cbVarSegMac;
        JET_TUPLELIMITS *ptuplelimits;
    };
    JET_CONDITIONALCOLUMN *rgconditionalcolumn;
    uint32_t cConditionalColumn;
    JET_ERR err;
    uint32_t cbKeyMost;
    JET_SPACEHINTS *pSpacehints;
} JET_INDEXCREATE2;

typedef struct {
    uint32_t cbStruct;
    char *szIndexName;
    char *szKey;
    uint32_t cbKey;
    JET_GRBIT grbit;
    uint32_t ulDensity;
    JET_UNICODEINDEX2 *pidxunicode;
    union {
        uint32_t cbVarSegMac;
        JET_TUPLELIMITS *ptuplelimits;
    };
    JET_CONDITIONALCOLUMN *rgconditionalcolumn;
    uint32_t cConditionalColumn;
    JET_ERR err;
    uint32_t cbKeyMost;
    JET_SPACEHINTS *pSpacehints;
} JET_INDEXCREATE3;

#define JET_bitTableCreateFixedDDL 0x00000001
#define JET_bitTableCreateTemplateTable 0x00000002
#define JET_bitTableCreateNoFixedVarColumnsInDerivedTables 0x00000004
#define JET_bitTableCreateImmutableStructure 0x00000008
#define JET_bitTableCreateSystemTable 0x80000000

/* Source: JET_TABLECREATE. */
typedef struct {
    uint32_t cbStruct;
    char *szTableName;
    char *szTemplateTableName; /* NULL: none */
    uint32_t ulPages;          /* pages to reserve at first */
    uint32_t ulDensity;        /* percent, 20..100; 0: 80 */
    JET_COLUMNCREATE *rgcolumncreate;
    uint32_t cColumns;
    JET_INDEXCREATE *rgindexcreate;
    uint32_t cIndexes;
    JET_GRBIT grbit;     /* JET_bitTableCreate... */
    JET_TABLEID tableid; /* out: a cursor with JET_bitTableDenyRead */
    uint32_t cCreated;   /* out: objects made: the table, its columns, its indexes */
} JET_TABLECREATE;

typedef struct {
    uint32_t cbStruct;
    char *szTableName;
    char *szTemplateTableName;
    uint32_t ulPages;
    uint32_t ulDensity;
    JET_COLUMNCREATE *rgcolumncreate;
    uint32_t cColumns;
    JET_INDEXCREATE *rgindexcreate;
    uint32_t cIndexes;
    char *szCallback;
    JET_CBTYP cbtyp;
    JET_GRBIT grbit;
    JET_TABLEID tableid;
    uint32_t cCreated;
} JET_TABLECREATE2;

typedef struct {
    uint32_t cbStruct;
    char *szTableName;
    char *szTemplateTableName;
    uint32_t ulPages;
    uint32_t ulDensity;
    JET_COLUMNCREATE *rgcolumncreate;
    uint32_t cColumns;
    JET_INDEXCREATE2 *rgindexcreate;
    uint32_t cIndexes;
    char *szCallback;
    JET_CBTYP cbtyp;
    JET_GRBIT grbit;
    JET_SPACEHINTS *pSeqSpacehints;
    JET_SPACEHINTS *pLVSpacehints;
    uint32_t cbSeparateLV;
    JET_TABLEID tableid;
    uint32_t cCreated;
} JET_TABLECREATE3;

/* ---- lists, handed back as temporary tables ---- */

/* The columns of a list of columns: one record each; tableid is closed with JetCloseTable. Source: JET_COLUMNLIST. */
typedef struct {
    uint32_t cbStruct;
    JET_TABLEID tableid;
    uint32_t cRecord;
    JET_COLUMNID columnidPresentationOrder;
    JET_COLUMNID columnidcolumnname;
    JET_COLUMNID columnidcolumnid;
    JET_COLUMNID columnidcoltyp;
    JET_COLUMNID columnidCountry;
    JET_COLUMNID columnidLangid;
    JET_COLUMNID columnidCp;
    JET_COLUMNID columnidCollate;
    JET_COLUMNID columnidcbMax;
    JET_COLUMNID columnidgrbit;
    JET_COLUMNID columnidDefault;
    JET_COLUMNID columnidBaseTableName;
    JET_COLUMNID columnidBaseColumnName;
    JET_COLUMNID columnidDefinitionName;
} JET_COLUMNLIST;

#define JET_objtypNil 0
#define JET_objtypTable 1
#define JET_objtypDb 2
#define JET_objtypContainer 3
#define JET_objtypLongRoot 9

#define JET_bitTableInfoUpdatable 0x00000001
#define JET_bitTableInfoBookmark 0x00000002
#define JET_bitTableInfoRollback 0x00000004

/* Source: JET_OBJECTINFO. */
typedef struct {
    uint32_t cbStruct;
    JET_OBJTYP objtyp;
    JET_DATESERIAL dtCreate; /* 0: not kept */
    JET_DATESERIAL dtUpdate; /* 0: not kept */
    JET_GRBIT grbit;         /* JET_bitTableInfo... */
    uint32_t flags;          /* JET_bitTableCreate... */
    uint32_t cRecord;
    uint32_t cPage;
} JET_OBJECTINFO;

/* The columns of a list of objects. Source: JET_OBJECTLIST. */
typedef struct {
    uint32_t cbStruct;
    JET_TABLEID tableid;
    uint32_t cRecord;
    JET_COLUMNID columnidcontainername;
    JET_COLUMNID columnidobjectname;
    JET_COLUMNID columnidobjtyp;
    JET_COLUMNID columniddtCreate;
    JET_COLUMNID columniddtUpdate;
    JET_COLUMNID columnidgrbit;
    JET_COLUMNID columnidflags;
    JET_COLUMNID columnidcRecord;
    JET_COLUMNID columnidcPage;
} JET_OBJECTLIST;

typedef struct {
    uint32_t cbStruct;
    JET_TABLEID tableid;
    uint32_t cRecord;
    JET_COLUMNID columnidBookmark;
} JET_RECORDLIST;

/* ---- records ---- */

/* Which value of a column is set, and from where. Source: JET_SETINFO. */
typedef struct {
    uint32_t cbStruct;
    uint32_t ibLongValue;  /* byte of a long value */
    uint32_t itagSequence; /* value of the column, from 1; 0: a new last one */
} JET_SETINFO;

/* Source: JET_RETINFO. */
typedef struct {
    uint32_t cbStruct;
    uint32_t ibLongValue;
    uint32_t itagSequence;           /* from 1 */
    JET_COLUMNID columnidNextTagged; /* out: the column retrieved, when columnid was 0 */
} JET_RETINFO;

/* Source: JET_SETCOLUMN. */
typedef struct {
    JET_COLUMNID columnid;
    const void *pvData;
    uint32_t cbData;
    JET_GRBIT grbit;
    uint32_t ibLongValue;
    uint32_t itagSequence;
    JET_ERR err; /* out */
} JET_SETCOLUMN;

/* Source: JET_RETRIEVECOLUMN. */
typedef struct {
    JET_COLUMNID columnid;
    void *pvData;
    uint32_t cbData;
    uint32_t cbActual; /* out */
    JET_GRBIT grbit;
    uint32_t ibLongValue;
    uint32_t itagSequence;           /* 0: asks for the number of values, which is returned here */
    JET_COLUMNID columnidNextTagged; /* out */
    JET_ERR err;                     /* out */
} JET_RETRIEVECOLUMN;

typedef struct {
    uint32_t cbStruct;
    JET_TABLEID tableid;
    JET_GRBIT grbit;
} JET_INDEXRANGE;

typedef struct {
    uint32_t cbStruct;
    uint32_t centriesLT;
    uint32_t centriesInRange;
    uint32_t centriesTotal;
} JET_RECPOS;

/* ---- limits ---- */

#define JET_cbPage 4096 /* JET_paramDatabasePageSize unless set */
#define JET_cbBookmarkMost 256
#define JET_cbNameMost 64
#define JET_cbFullNameMost 255
#define JET_cbColumnMost 255 /* bytes of a Binary or Text value */
#define JET_cbLVDefaultValueMost 255
#define JET_cbLVColumnMost 0x7FFFFFFF
#define JET_cbColumnLVPageOverhead 82
#define JET_cbColumnLVChunkMost (4096 - 82) /* of 4 KiB pages; JET_paramLVChunkSizeMost: of those in use */
#define JET_cbKeyMost 255                   /* bytes of a key unless JET_bitIndexKeyMost says more */
#define JET_cbKeyMostMin 255
#define JET_cbKeyMost2KBytePage 500
#define JET_cbKeyMost4KBytePage 1000
#define JET_cbKeyMost8KBytePage 2000 /* and of larger pages */
#define JET_cbLimitKeyMost 256
#define JET_cbPrimaryKeyMost 255
#define JET_cbSecondaryKeyMost 255
#define JET_ccolKeyMost 16 /* columns of a key */
#define JET_ccolMost 0x0000fee0
#define JET_ccolFixedMost 0x0000007f
#define JET_ccolVarMost 0x00000080
#define JET_ccolTaggedMost (JET_ccolMost - 0x000000ff)

/* ---- errors and warnings ----
 *
 * JET_paramErrorToString has each in words. */

/* Warnings: the call succeeded. */
#define JET_wrnRemainingVersions 321
#define JET_wrnUniqueKey 345
#define JET_wrnSeparateLongValue 406
#define JET_wrnNoMoreRecords 428
#define JET_wrnIndexDeferredPopulateIncomplete 432
#define JET_wrnIndexDeferredPopulateHalted 433
#define JET_wrnExistingLogFileHasBadSignature 558
#define JET_wrnExistingLogFileIsNotContiguous 559
#define JET_wrnSkipThisRecord 564
#define JET_wrnTargetInstanceRunning 578
#define JET_wrnCommittedLogFilesLost 585
#define JET_wrnCommittedLogFilesRemoved 587
#define JET_wrnFinishWithUndo 588
#define JET_wrnDatabaseRepaired 595
#define JET_wrnColumnNull 1004
#define JET_wrnBufferTruncated 1006
#define JET_wrnDatabaseAttached 1007
#define JET_wrnSortOverflow 1009
#define JET_wrnSeekNotEqual 1039
#define JET_wrnRecordFoundGreater JET_wrnSeekNotEqual
#define JET_wrnRecordFoundLess JET_wrnSeekNotEqual
#define JET_wrnNoErrorInfo 1055
#define JET_wrnNoIdleActivity 1058
#define JET_wrnNoWriteLock 1067
#define JET_wrnColumnSetNull 1068
#define JET_wrnShrinkNotPossible 1122
#define JET_wrnTableEmpty 1301
#define JET_wrnTableInUseBySystem 1327
#define JET_wrnCorruptIndexDeleted 1415
#define JET_wrnPrimaryIndexOutOfDate 1417
#define JET_wrnSecondaryIndexOutOfDate 1418
#define JET_wrnColumnMaxTruncated 1512
#define JET_wrnCopyLongValue 1520
#define JET_wrnTaggedColumnsRemaining 1523
#define JET_wrnColumnSkipped 1531
#define JET_wrnColumnNotLocal 1532
#define JET_wrnColumnMoreTags 1533
#define JET_wrnColumnTruncated 1534
#define JET_wrnColumnPresent 1535
#define JET_wrnColumnSingleValue 1536
#define JET_wrnColumnDefault 1537
#define JET_wrnColumnNotInRecord 1539
#define JET_wrnColumnReference 1541
#define JET_wrnDataHasChanged 1610
#define JET_wrnKeyChanged 1618
#define JET_wrnFileOpenReadOnly 1813
#define JET_wrnIdleFull 1908
#define JET_wrnDefragAlreadyRunning 2000
#define JET_wrnDefragNotRunning 2001
#define JET_wrnDatabaseScanAlreadyRunning 2002
#define JET_wrnDatabaseScanNotRunning 2003
#define JET_wrnCallbackNotRegistered 2100
#define JET_wrnPreviousLogFileIncomplete 2602
#define JET_errSuccess 0

/* General. */
#define JET_wrnNyi (-1)
#define JET_errRfsFailure (-100)
#define JET_errRfsNotArmed (-101)
#define JET_errFileClose (-102)
#define JET_errOutOfThreads (-103)
#define JET_errTooManyIO (-105)
#define JET_errTaskDropped (-106)
#define JET_errInternalError (-107)
#define JET_errDisabledFunctionality (-112)
#define JET_errUnloadableOSFunctionality (-113)
#define JET_errDeviceMissing (-114)
#define JET_errDeviceMisconfigured (-115)
#define JET_errDeviceTimeout (-116)

/* Pages, trees, space. */
#define JET_errDeviceFailure (-118)
#define JET_errDatabaseBufferDependenciesCorrupted (-255)
#define JET_errPreviousVersion (-322)
#define JET_errPageBoundary (-323)
#define JET_errKeyBoundary (-324)
#define JET_errBadPageLink (-327)
#define JET_errBadBookmark (-328)
#define JET_errNTSystemCallFailed (-334)
#define JET_errBadParentPageLink (-338)
#define JET_errSPAvailExtCacheOutOfSync (-340)
#define JET_errSPAvailExtCorrupted (-341)
#define JET_errSPAvailExtCacheOutOfMemory (-342)
#define JET_errSPOwnExtCorrupted (-343)
#define JET_errDbTimeCorrupted (-344)
#define JET_errKeyTruncated (-346)
#define JET_errDatabaseLeakInSpace (-348)
#define JET_errBadEmptyPage (-351)
#define JET_errBadLineCount (-354)
#define JET_errPageTagCorrupted (-357)
#define JET_errNodeCorrupted (-358)

/* Keys, long values, indexes being built. */
#define JET_errKeyTooBig (-408)
#define JET_errCannotSeparateIntrinsicLV (-416)
#define JET_errSeparatedLongValue (-421)
#define JET_errMustBeSeparateLongValue (-423)
#define JET_errInvalidPreread (-424)
#define JET_errInvalidColumnReference (-426)
#define JET_errStaleColumnReference (-427)
#define JET_errCompressionIntegrityCheckFailed (-431)
#define JET_errIndexDeferredPopulateCurrentlyUnavailable (-434)

/* Log, recovery, backup, restore. */
#define JET_errInvalidLoggedOperation (-500)
#define JET_errLogFileCorrupt (-501)
#define JET_errNoBackupDirectory (-503)
#define JET_errBackupDirectoryNotEmpty (-504)
#define JET_errBackupInProgress (-505)
#define JET_errRestoreInProgress (-506)
#define JET_errMissingPreviousLogFile (-509)
#define JET_errLogWriteFail (-510)
#define JET_errLogDisabledDueToRecoveryFailure (-511)
#define JET_errCannotLogDuringRecoveryRedo (-512)
#define JET_errLogGenerationMismatch (-513)
#define JET_errBadLogVersion (-514)
#define JET_errInvalidLogSequence (-515)
#define JET_errLoggingDisabled (-516)
#define JET_errLogBufferTooSmall (-517)
#define JET_errLogSequenceEnd (-519)
#define JET_errNoBackup (-520)
#define JET_errInvalidBackupSequence (-521)
#define JET_errBackupNotAllowedYet (-523)
#define JET_errDeleteBackupFileFail (-524)
#define JET_errMakeBackupDirectoryFail (-525)
#define JET_errInvalidBackup (-526)
#define JET_errRecoveredWithErrors (-527)
#define JET_errMissingLogFile (-528)
#define JET_errLogDiskFull (-529)
#define JET_errBadLogSignature (-530)
#define JET_errBadDbSignature (-531)
#define JET_errBadCheckpointSignature (-532)
#define JET_errCheckpointCorrupt (-533)
#define JET_errMissingPatchPage (-534)
#define JET_errBadPatchPage (-535)
#define JET_errRedoAbruptEnded (-536)
#define JET_errPatchFileMissing (-538)
#define JET_errDatabaseLogSetMismatch (-539)
#define JET_errDatabaseStreamingFileMismatch (-540)
#define JET_errLogFileSizeMismatch (-541)
#define JET_errCheckpointFileNotFound (-542)
#define JET_errRequiredLogFilesMissing (-543)
#define JET_errSoftRecoveryOnBackupDatabase (-544)
#define JET_errLogFileSizeMismatchDatabasesConsistent (-545)
#define JET_errLogSectorSizeMismatch (-546)
#define JET_errLogSectorSizeMismatchDatabasesConsistent (-547)
#define JET_errLogSequenceEndDatabasesConsistent (-548)
#define JET_errStreamingDataNotLogged (-549)
#define JET_errDatabaseDirtyShutdown (-550)
#define JET_errDatabaseInconsistent JET_errDatabaseDirtyShutdown
#define JET_errConsistentTimeMismatch (-551)
#define JET_errDatabasePatchFileMismatch (-552)
#define JET_errEndingRestoreLogTooLow (-553)
#define JET_errStartingRestoreLogTooHigh (-554)
#define JET_errGivenLogFileHasBadSignature (-555)
#define JET_errGivenLogFileIsNotContiguous (-556)
#define JET_errMissingRestoreLogFiles (-557)
#define JET_errMissingFullBackup (-560)
#define JET_errBadBackupDatabaseSize (-561)
#define JET_errDatabaseAlreadyUpgraded (-562)
#define JET_errDatabaseIncompleteUpgrade (-563)
#define JET_errMissingCurrentLogFiles (-565)
#define JET_errDbTimeTooOld (-566)
#define JET_errDbTimeTooNew (-567)
#define JET_errMissingFileToBackup (-569)
#define JET_errLogTornWriteDuringHardRestore (-570)
#define JET_errLogTornWriteDuringHardRecovery (-571)
#define JET_errLogCorruptDuringHardRestore (-573)
#define JET_errLogCorruptDuringHardRecovery (-574)
#define JET_errMustDisableLoggingForDbUpgrade (-575)
#define JET_errBadRestoreTargetInstance (-577)
#define JET_errRecoveredWithoutUndo (-579)
#define JET_errDatabasesNotFromSameSnapshot (-580)
#define JET_errSoftRecoveryOnSnapshot (-581)
#define JET_errCommittedLogFilesMissing (-582)
#define JET_errSectorSizeNotSupported (-583)
#define JET_errRecoveredWithoutUndoDatabasesConsistent (-584)
#define JET_errCommittedLogFileCorrupt (-586)
#define JET_errLogSequenceChecksumMismatch (-590)
#define JET_errPageInitializedMismatch (-596)
#define JET_errUnicodeTranslationBufferTooSmall (-601)
#define JET_errUnicodeTranslationFail (-602)
#define JET_errUnicodeNormalizationNotSupported (-603)
#define JET_errUnicodeLanguageValidationFailure (-604)
#define JET_errExistingLogFileHasBadSignature (-610)
#define JET_errExistingLogFileIsNotContiguous (-611)
#define JET_errLogReadVerifyFailure (-612)
#define JET_errCheckpointDepthTooDeep (-614)
#define JET_errRestoreOfNonBackupDatabase (-615)
#define JET_errLogFileNotCopied (-616)
#define JET_errSurrogateBackupInProgress (-617)
#define JET_errTransactionTooLong (-618)
#define JET_errEngineFormatVersionNoLongerSupportedTooLow (-619)
#define JET_errEngineFormatVersionNotYetImplementedTooHigh (-620)
#define JET_errEngineFormatVersionParamTooLowForRequestedFeature (-621)
#define JET_errEngineFormatVersionSpecifiedTooLowForLogVersion (-622)
#define JET_errEngineFormatVersionSpecifiedTooLowForDatabaseVersion (-623)
#define JET_errDbTimeBeyondMaxRequired (-625)
#define JET_errLogOperationInconsistentWithDatabase (-626)
#define JET_errBackupAbortByServer (-801)
#define JET_errInvalidGrbit (-900)

/* Instances, files, arguments, resources. */
#define JET_errTermInProgress (-1000)
#define JET_errFeatureNotAvailable (-1001)
#define JET_errInvalidName (-1002)
#define JET_errInvalidParameter (-1003)
#define JET_errDatabaseFileReadOnly (-1008)
#define JET_errInvalidDatabaseId (-1010)
#define JET_errOutOfMemory (-1011)
#define JET_errOutOfDatabaseSpace (-1012)
#define JET_errOutOfCursors (-1013)
#define JET_errOutOfBuffers (-1014)
#define JET_errTooManyIndexes (-1015)
#define JET_errTooManyKeys (-1016)
#define JET_errRecordDeleted (-1017)
#define JET_errReadVerifyFailure (-1018)
#define JET_errPageNotInitialized (-1019)
#define JET_errOutOfFileHandles (-1020)
#define JET_errDiskReadVerificationFailure (-1021)
#define JET_errDiskIO (-1022)
#define JET_errInvalidPath (-1023)
#define JET_errInvalidSystemPath (-1024)
#define JET_errInvalidLogDirectory (-1025)
#define JET_errRecordTooBig (-1026)
#define JET_errTooManyOpenDatabases (-1027)
#define JET_errInvalidDatabase (-1028)
#define JET_errNotInitialized (-1029)
#define JET_errAlreadyInitialized (-1030)
#define JET_errInitInProgress (-1031)
#define JET_errFileAccessDenied (-1032)
#define JET_errQueryNotSupported (-1034)
#define JET_errSQLLinkNotSupported (-1035)
#define JET_errBufferTooSmall (-1038)
#define JET_errTooManyColumns (-1040)
#define JET_errContainerNotEmpty (-1043)
#define JET_errInvalidFilename (-1044)
#define JET_errInvalidBookmark (-1045)
#define JET_errColumnInUse (-1046)
#define JET_errInvalidBufferSize (-1047)
#define JET_errColumnNotUpdatable (-1048)
#define JET_errIndexInUse (-1051)
#define JET_errLinkNotSupported (-1052)
#define JET_errNullKeyDisallowed (-1053)
#define JET_errNotInTransaction (-1054)
#define JET_errMustRollback (-1057)
#define JET_errTooManyActiveUsers (-1059)
#define JET_errInvalidCountry (-1061)
#define JET_errInvalidLanguageId (-1062)
#define JET_errInvalidCodePage (-1063)
#define JET_errInvalidLCMapStringFlags (-1064)
#define JET_errVersionStoreEntryTooBig (-1065)
#define JET_errVersionStoreOutOfMemoryAndCleanupTimedOut (-1066)
#define JET_errVersionStoreOutOfMemory (-1069)
#define JET_errCurrencyStackOutOfMemory (-1070)
#define JET_errCannotIndex (-1071)
#define JET_errRecordNotDeleted (-1072)
#define JET_errTooManyMempoolEntries (-1073)
#define JET_errOutOfObjectIDs (-1074)
#define JET_errOutOfLongValueIDs (-1075)
#define JET_errOutOfAutoincrementValues (-1076)
#define JET_errOutOfDbtimeValues (-1077)
#define JET_errOutOfSequentialIndexValues (-1078)
#define JET_errRunningInOneInstanceMode (-1080)
#define JET_errRunningInMultiInstanceMode (-1081)
#define JET_errSystemParamsAlreadySet (-1082)
#define JET_errSystemPathInUse (-1083)
#define JET_errLogFilePathInUse (-1084)
#define JET_errTempPathInUse (-1085)
#define JET_errInstanceNameInUse (-1086)
#define JET_errSystemParameterConflict (-1087)
#define JET_errInstanceUnavailable (-1090)
#define JET_errDatabaseUnavailable (-1091)
#define JET_errInstanceUnavailableDueToFatalLogDiskFull (-1092)
#define JET_errInvalidSesparamId (-1093)
#define JET_errTooManyRecords (-1094)
#define JET_errInvalidDbparamId (-1095)

/* Sessions, transactions, handles. */
#define JET_errOutOfSessions (-1101)
#define JET_errWriteConflict (-1102)
#define JET_errTransTooDeep (-1103)
#define JET_errInvalidSesid (-1104)
#define JET_errWriteConflictPrimaryIndex (-1105)
#define JET_errInTransaction (-1108)
#define JET_errRollbackRequired (-1109)
#define JET_errTransReadOnly (-1110)
#define JET_errSessionWriteConflict (-1111)
#define JET_errRecordTooBigForBackwardCompatibility (-1112)
#define JET_errCannotMaterializeForwardOnlySort (-1113)
#define JET_errSesidTableIdMismatch (-1114)
#define JET_errInvalidInstance (-1115)
#define JET_errDirtyShutdown (-1116)
#define JET_errReadPgnoVerifyFailure (-1118)
#define JET_errReadLostFlushVerifyFailure (-1119)
#define JET_errFileSystemCorruption (-1121)
#define JET_errRecoveryVerifyFailure (-1123)
#define JET_errFilteredMoveNotSupported (-1124)
#define JET_errMustCommitDistributedTransactionToLevel0 (-1150)
#define JET_errDistributedTransactionAlreadyPreparedToCommit (-1151)
#define JET_errNotInDistributedTransaction (-1152)
#define JET_errDistributedTransactionNotYetPreparedToCommit (-1153)
#define JET_errCannotNestDistributedTransactions (-1154)

/* Databases. */
#define JET_errDatabaseDuplicate (-1201)
#define JET_errDatabaseInUse (-1202)
#define JET_errDatabaseNotFound (-1203)
#define JET_errDatabaseInvalidName (-1204)
#define JET_errDatabaseInvalidPages (-1205)
#define JET_errDatabaseCorrupted (-1206)
#define JET_errDatabaseLocked (-1207)
#define JET_errCannotDisableVersioning (-1208)
#define JET_errInvalidDatabaseVersion (-1209)
#define JET_errDatabase200Format (-1210)
#define JET_errDatabase400Format (-1211)
#define JET_errDatabase500Format (-1212)
#define JET_errPageSizeMismatch (-1213)
#define JET_errTooManyInstances (-1214)
#define JET_errDatabaseSharingViolation (-1215)
#define JET_errAttachedDatabaseMismatch (-1216)
#define JET_errDatabaseInvalidPath (-1217)
#define JET_errDatabaseIdInUse (-1218)
#define JET_errForceDetachNotAllowed (-1219)
#define JET_errCatalogCorrupted (-1220)
#define JET_errPartiallyAttachedDB (-1221)
#define JET_errDatabaseSignInUse (-1222)
#define JET_errDatabaseCorruptedNoRepair (-1224)
#define JET_errInvalidCreateDbVersion (-1225)
#define JET_errDatabaseNotReady (-1230)
#define JET_errDatabaseAttachedForRecovery (-1231)
#define JET_errTransactionsNotReadyDuringRecovery (-1232)

/* Tables. */
#define JET_errTableLocked (-1302)
#define JET_errTableDuplicate (-1303)
#define JET_errTableInUse (-1304)
#define JET_errObjectNotFound (-1305)
#define JET_errDensityInvalid (-1307)
#define JET_errTableNotEmpty (-1308)
#define JET_errInvalidTableId (-1310)
#define JET_errTooManyOpenTables (-1311)
#define JET_errIllegalOperation (-1312)
#define JET_errTooManyOpenTablesAndCleanupTimedOut (-1313)
#define JET_errObjectDuplicate (-1314)
#define JET_errInvalidObject (-1316)
#define JET_errCannotDeleteTempTable (-1317)
#define JET_errCannotDeleteSystemTable (-1318)
#define JET_errCannotDeleteTemplateTable (-1319)
#define JET_errExclusiveTableLockRequired (-1322)
#define JET_errFixedDDL (-1323)
#define JET_errFixedInheritedDDL (-1324)
#define JET_errCannotNestDDL (-1325)
#define JET_errDDLNotInheritable (-1326)
#define JET_errInvalidSettings (-1328)
#define JET_errClientRequestToStopJetService (-1329)
#define JET_errCannotAddFixedVarColumnToDerivedTable (-1330)

/* Indexes. */
#define JET_errIndexCantBuild (-1401)
#define JET_errIndexHasPrimary (-1402)
#define JET_errIndexDuplicate (-1403)
#define JET_errIndexNotFound (-1404)
#define JET_errIndexMustStay (-1405)
#define JET_errIndexInvalidDef (-1406)
#define JET_errInvalidCreateIndex (-1409)
#define JET_errTooManyOpenIndexes (-1410)
#define JET_errMultiValuedIndexViolation (-1411)
#define JET_errIndexBuildCorrupted (-1412)
#define JET_errPrimaryIndexCorrupted (-1413)
#define JET_errSecondaryIndexCorrupted (-1414)
#define JET_errInvalidIndexId (-1416)
#define JET_errCantUseDeferredPopulateIndex (-1419)
#define JET_errIndexTuplesSecondaryIndexOnly (-1430)
#define JET_errIndexTuplesTooManyColumns (-1431)
#define JET_errIndexTuplesNonUniqueOnly (-1432)
#define JET_errIndexTuplesTextBinaryColumnsOnly (-1433)
#define JET_errIndexTuplesVarSegMacNotAllowed (-1434)
#define JET_errIndexTuplesInvalidLimits (-1435)
#define JET_errIndexTuplesCannotRetrieveFromIndex (-1436)
#define JET_errIndexTuplesKeyTooSmall (-1437)
#define JET_errInvalidLVChunkSize (-1438)
#define JET_errColumnCannotBeEncrypted (-1439)
#define JET_errCannotIndexOnEncryptedColumn (-1440)

/* Columns. */
#define JET_errColumnLong (-1501)
#define JET_errColumnNoChunk (-1502)
#define JET_errColumnDoesNotFit (-1503)
#define JET_errNullInvalid (-1504)
#define JET_errColumnIllegalNull JET_errNullInvalid
#define JET_errColumnIndexed (-1505)
#define JET_errColumnTooBig (-1506)
#define JET_errColumnNotFound (-1507)
#define JET_errColumnDuplicate (-1508)
#define JET_errMultiValuedColumnMustBeTagged (-1509)
#define JET_errColumnRedundant (-1510)
#define JET_errInvalidColumnType (-1511)
#define JET_errTaggedNotNULL (-1514)
#define JET_errNoCurrentIndex (-1515)
#define JET_errKeyIsMade (-1516)
#define JET_errBadColumnId (-1517)
#define JET_errBadItagSequence (-1518)
#define JET_errColumnInRelationship (-1519)
#define JET_errCannotBeTagged (-1521)
#define JET_errDefaultValueTooBig (-1524)
#define JET_errMultiValuedDuplicate (-1525)
#define JET_errLVCorrupted (-1526)
#define JET_errMultiValuedDuplicateAfterTruncation (-1528)
#define JET_errDerivedColumnCorruption (-1529)
#define JET_errInvalidPlaceholderColumn (-1530)
#define JET_errColumnCannotBeCompressed (-1538)
#define JET_errColumnNoEncryptionKey (-1540)

/* Records and cursors. */
#define JET_errRecordNotFound (-1601)
#define JET_errRecordNoCopy (-1602)
#define JET_errNoCurrentRecord (-1603)
#define JET_errRecordPrimaryChanged (-1604)
#define JET_errKeyDuplicate (-1605)
#define JET_errAlreadyPrepared (-1607)
#define JET_errKeyNotMade (-1608)
#define JET_errUpdateNotPrepared (-1609)
#define JET_errDataHasChanged (-1611)
#define JET_errLanguageNotSupported (-1619)
#define JET_errDecompressionFailed (-1620)
#define JET_errUpdateMustVersion (-1621)
#define JET_errDecryptionFailed (-1622)
#define JET_errEncryptionBadItag (-1623)
#define JET_errSetAutoIncrementTooHigh (-1624)
#define JET_errAutoIncrementNotSet (-1625)

/* Sorts and temporary tables. */
#define JET_errTooManySorts (-1701)
#define JET_errInvalidOnSort (-1702)

/* Files and disks. */
#define JET_errTempFileOpenError (-1803)
#define JET_errTooManyAttachedDatabases (-1805)
#define JET_errDiskFull (-1808)
#define JET_errPermissionDenied (-1809)
#define JET_errFileNotFound (-1811)
#define JET_errFileInvalidType (-1812)
#define JET_errFileAlreadyExists (-1814)
#define JET_errAfterInitialization (-1850)
#define JET_errLogCorrupted (-1852)

/* Operations. */
#define JET_errInvalidOperation (-1906)
#define JET_errAccessDenied (-1907)
#define JET_errTooManySplits (-1909)
#define JET_errSessionSharingViolation (-1910)
#define JET_errEntryPointNotFound (-1911)
#define JET_errSessionContextAlreadySet (-1912)
#define JET_errSessionContextNotSetByThisThread (-1913)
#define JET_errSessionInUse (-1914)
#define JET_errRecordFormatConversionFailed (-1915)
#define JET_errOneDatabasePerSession (-1916)
#define JET_errRollbackError (-1917)
#define JET_errFlushMapVersionUnsupported (-1918)
#define JET_errFlushMapDatabaseMismatch (-1919)
#define JET_errFlushMapUnrecoverable (-1920)
#define JET_errDatabaseAlreadyRunningMaintenance (-2004)
#define JET_errRootSpaceLeakEstimationAlreadyRunning (-2006)

/* Callbacks. */
#define JET_errCallbackFailed (-2101)
#define JET_errCallbackNotResolved (-2102)
#define JET_errSpaceHintsInvalid (-2103)

/* Snapshots, local storage and others. */
#define JET_errOSSnapshotInvalidSequence (-2401)
#define JET_errOSSnapshotTimeOut (-2402)
#define JET_errOSSnapshotNotAllowed (-2403)
#define JET_errOSSnapshotInvalidSnapId (-2404)
#define JET_errTooManyTestInjections (-2501)
#define JET_errTestInjectionNotSupported (-2502)
#define JET_errInvalidLogDataSequence (-2601)
#define JET_errLSCallbackNotSpecified (-3000)
#define JET_errLSAlreadySet (-3001)
#define JET_errLSNotSet (-3002)

/* File I/O. */
#define JET_errFileIOSparse (-4000)
#define JET_errFileIOBeyondEOF (-4001)
#define JET_errFileIOAbort (-4002)
#define JET_errFileIORetry (-4003)
#define JET_errFileIOFail (-4004)
#define JET_errFileCompressed (-4005)

/* The range that is left to programs. */
#define JET_errClientSpaceBegin (-10000)
#define JET_errClientSpaceEnd (-11999)

/* ---- parameters of an instance and of the engine (docs/parameters.md) ---- */

#define JET_paramSystemPath 0
#define JET_paramTempPath 1
#define JET_paramLogFilePath 2
#define JET_paramBaseName 3
#define JET_paramEventSource 4
#define JET_paramMaxSessions 5
#define JET_paramMaxOpenTables 6
#define JET_paramPreferredMaxOpenTables 7
#define JET_paramMaxCursors 8
#define JET_paramMaxVerPages 9
#define JET_paramMaxTemporaryTables 10
#define JET_paramLogFileSize 11
#define JET_paramLogBuffers 12
#define JET_paramWaitLogFlush 13
#define JET_paramLogCheckpointPeriod 14
#define JET_paramLogWaitingUserMax 15
#define JET_paramCommitDefault 16
#define JET_paramCircularLog 17
#define JET_paramDbExtensionSize 18
#define JET_paramPageTempDBMin 19
#define JET_paramPageFragment 20
#define JET_paramCacheSizeMax 23
#define JET_paramCheckpointDepthMax 24
#define JET_paramOutstandingIOMax 30
#define JET_paramStartFlushThreshold 31
#define JET_paramStopFlushThreshold 32
#define JET_paramRecovery 34
#define JET_paramEnableOnlineDefrag 35
#define JET_paramCheckFormatWhenOpenFail 44
#define JET_paramEnableIndexChecking 45
#define JET_paramEnableTempTableVersioning 46
#define JET_paramIgnoreLogVersion 47
#define JET_paramDeleteOldLogs 48
#define JET_paramEventSourceKey 49
#define JET_paramNoInformationEvent 50
#define JET_paramEventLoggingLevel 51
#define JET_paramDeleteOutOfRangeLogs 52
#define JET_paramAccessDeniedRetryPeriod 53
#define JET_paramEnableIndexCleanup 54
#define JET_paramCacheSizeMin 60
#define JET_paramPreferredVerPages 63
#define JET_paramDatabasePageSize 64
#define JET_paramDisableCallbacks 65
#define JET_paramBackupChunkSize 66
#define JET_paramBackupOutstandingReads 67
#define JET_paramLogFileCreateAsynch 69
#define JET_paramErrorToString 70
#define JET_paramZeroDatabaseDuringBackup 71
#define JET_paramCleanupMismatchedLogFiles 77
#define JET_paramRecordUpgradeDirtyLevel 78
#define JET_paramGlobalMinVerPages 81
#define JET_paramExceptionAction 98
#define JET_paramEventLogCache 99
#define JET_paramCreatePathIfNotExist 100
#define JET_paramPageHintCacheSize 101
#define JET_paramOneDatabasePerSession 102
#define JET_paramMaxInstances 104
#define JET_paramVersionStoreTaskQueueMax 105
#define JET_paramDisablePerfmon 107
#define JET_paramAlternateDatabaseRecoveryPath 113
#define JET_paramCachedClosedTables 125
#define JET_paramEnableFileCache 126
#define JET_paramEnableViewCache 127
#define JET_paramVerPageSize 128
#define JET_paramMaxColtyp 131
#define JET_paramKeyMost 134
#define JET_paramCheckpointIOMax 135
#define JET_paramLegacyFileNames 136
#define JET_paramIOPriority 152
#define JET_paramWaypointLatency 153
#define JET_paramDisableBlockVerification 155
#define JET_paramAggressiveLogRollover 157
#define JET_paramDefragmentSequentialBTrees 160
#define JET_paramLVChunkSizeMost 163
#define JET_paramMaxCoalesceReadSize 164
#define JET_paramMaxCoalesceWriteSize 165
#define JET_paramMaxCoalesceReadGapSize 166
#define JET_paramMaxCoalesceWriteGapSize 167
#define JET_paramProcessFriendlyName 186

/* Known by name only: JetSetSystemParameter and JetGetSystemParameter give JET_errInvalidParameter. */
#define JET_paramBatchIOBufferMax 22
#define JET_paramLRUKCorrInterval 25
#define JET_paramLRUKHistoryMax 26
#define JET_paramLRUKPolicy 27
#define JET_paramLRUKTimeout 28
#define JET_paramLRUKTrxCorrInterval 29
#define JET_paramCacheSize 41
#define JET_paramUnicodeIndexDefault 72
#define JET_paramRuntimeCallback 73
#define JET_paramOSSnapshotTimeout 82
#define JET_paramIndexTuplesLengthMin 110
#define JET_paramIndexTuplesLengthMax 111
#define JET_paramIndexTuplesToIndexMax 112
#define JET_paramConfiguration 129
#define JET_paramEnableAdvanced 130
#define JET_paramIndexTupleIncrement 132
#define JET_paramIndexTupleStart 133
#define JET_paramCheckpointTooDeep 154
#define JET_paramEnablePersistedCallbacks 156
#define JET_paramEnableDBScanInRecovery 169
#define JET_paramEnableExternalAutoHealing 175
#define JET_paramMaxTransactionSize 178
#define JET_paramHungIOThreshold 181
#define JET_paramPersistedLostFlushDetection 193
#define JET_paramEngineFormatVersion 194

/* JET_paramEventLoggingLevel: what is written, up to this level. */
#define JET_EventLoggingDisable 0
#define JET_EventLoggingLevelMin 1
#define JET_EventLoggingLevelLow 25
#define JET_EventLoggingLevelMedium 50
#define JET_EventLoggingLevelHigh 75
#define JET_EventLoggingLevelMax 100

/* JET_paramEnableIndexChecking */
#define JET_IndexCheckingOff 0
#define JET_IndexCheckingOn 1
#define JET_IndexCheckingDeferToOpenTable 2
#define JET_IndexCheckingMax 3

/* JET_paramEnableOnlineDefrag */
#define JET_OnlineDefragDisable 0x0000
#define JET_OnlineDefragAllOBSOLETE 0x0001
#define JET_OnlineDefragDatabases 0x0002
#define JET_OnlineDefragSpaceTrees 0x0004
#define JET_OnlineDefragAll 0xffff

/* JET_paramLegacyFileNames */
#define JET_bitESE98FileNames 0x00000001 /* .log and .chk; always set here */
#define JET_bitEightDotThreeSoftCompat 0x00000002

/* JET_paramExceptionAction */
#define JET_ExceptionMsgBox 0x0001
#define JET_ExceptionNone 0x0002
#define JET_ExceptionFailFast 0x0004

/* JET_paramIOPriority */
#define JET_IOPriorityNormal 0x0
#define JET_IOPriorityLow 0x1

#pragma GCC visibility push(default)

/* ---- instances ----
 *
 * One or several. JetCreateInstance makes as many as JET_paramMaxInstances allows (multi-instance mode). A program that
 * needs one only may call JetInit without having made any (single-instance mode, that of Windows 2000): then 0 and
 * JET_instanceNil mean this one in every function that takes an instance, and the functions that take none
 * (JetStopService, JetBackup, ...) work on it. The first instance decides on the mode, the end of the last one ends it.
 * A null instance is JET_errInvalidInstance in multi-instance mode, and JET_errNotInitialized where there is none. */

/* Makes an instance: a log with its checkpoint, and the databases that will be attached to it. It has the parameters
 * that are set for the engine (JetSetSystemParameter with no instance), and does nothing until JetInit.
 *
 * pinstance       out: the instance; JetTerm ends it, even if JetInit was never called
 * szInstanceName  a name that no other instance of the process has; NULL is a name too: one instance may have it
 *
 * Errors: JET_errInstanceNameInUse; JET_errTooManyInstances (JET_paramMaxInstances); JET_errRunningInOneInstanceMode
 * (JetInit has made the only one); JET_errInvalidParameter also for a name that is longer than 63 bytes.
 * Source: JetCreateInstance. */
JET_ERR JET_API JetCreateInstance(JET_INSTANCE *pinstance, const char *szInstanceName);

/* JetCreateInstance with a name for people.
 *
 * szDisplayName  the name in events; NULL: szInstanceName
 * grbit          0
 *
 * Source: JetCreateInstance2. */
JET_ERR JET_API JetCreateInstance2(JET_INSTANCE *pinstance, const char *szInstanceName, const char *szDisplayName,
                                   JET_GRBIT grbit);

#define JET_bitReplayReplicatedLogFiles 0x00000001
#define JET_bitReplayIgnoreMissingDB 0x00000004
#define JET_bitRecoveryWithoutUndo 0x00000008
#define JET_bitTruncateLogsAfterRecovery 0x00000010
#define JET_bitReplayMissingMapEntryDB 0x00000020
#define JET_bitLogStreamMustExist 0x00000040
#define JET_bitReplayIgnoreLostLogs 0x00000080
#define JET_bitKeepDbAttachedAtEndOfRecovery 0x00001000

/* Starts an instance: takes its directories, reads its log, brings the databases that were attached at a crash to the
 * state of the last commit, and closes them. The first start makes the log, the reserve log files and the checkpoint.
 *
 * pinstance  in: an instance that is not running. NULL, or a variable that holds 0 or JET_instanceNil: the only one
 *            is made, with the parameters of the engine; out: its handle. It ends with JetTerm, or when this fails.
 *
 * Errors: JET_errAlreadyInitialized; JET_errRunningInMultiInstanceMode (no instance given, and others have been made);
 * JET_errInvalidPath, JET_errInvalidSystemPath, JET_errInvalidLogDirectory (a
 * directory is missing; JET_paramCreatePathIfNotExist makes it), JET_errSystemPathInUse, JET_errLogFilePathInUse
 * (another instance, of this or another process, has it), JET_errFileAccessDenied. From recovery:
 * JET_errMissingLogFile, JET_errRequiredLogFilesMissing, JET_errInvalidLogSequence, JET_errLogGenerationMismatch (log
 * files are missing, or not where they belong), JET_errLogFileCorrupt, JET_errLogFileSizeMismatch (a log file is
 * shorter or longer than it says), JET_errBadLogVersion, JET_errBadLogSignature (a log file, the checkpoint or a
 * database is of another log), JET_errPageSizeMismatch, JET_errAttachedDatabaseMismatch (a database is missing),
 * JET_errBadDbSignature (it is another one), JET_errInvalidDatabaseVersion, JET_errSoftRecoveryOnBackupDatabase (it is
 * a backup's copy: use JetRestoreInstance), JET_errDbTimeTooOld, JET_errDbTimeTooNew (it is an older or newer copy).
 * After a failure: the instance is not running and may be started again or terminated; recovery may have written part
 * of its work, which a later start goes on from.
 * Source: JetInit.
 * Differs: a log keeps the file size that it began with, whatever JET_paramLogFileSize is, unless
 * JET_paramCleanupMismatchedLogFiles is set. Without a checkpoint file that can be read recovery begins with the first
 * log file. */
JET_ERR JET_API JetInit(JET_INSTANCE *pinstance);

/* JetInit with options.
 *
 * grbit  0, or
 *        JET_bitLogStreamMustExist       JET_errFileNotFound where there is no log, instead of making a new one
 *        JET_bitReplayIgnoreMissingDB    a database that the log leaves attached and whose file is not there is no
 *                                        error: recovery goes on without it, and later starts do not recover it
 *                                        (JetAttachDatabase: JET_errDatabaseDirtyShutdown). Nor does the log wait
 *                                        for it: what it needs is deleted by the next backup, and at once with
 *                                        JET_paramCircularLog. If the file may come back, copy the log directory
 *                                        before.
 *        JET_bitReplayMissingMapEntryDB  with the map of JetInit3: a database that is not in it is where the log says
 *        JET_bitReplayIgnoreLostLogs     the current log file is not there: the log ends with the one before. What
 *                                        was committed later is lost, and the warning JET_wrnCommittedLogFilesLost
 *                                        says so. JET_errRequiredLogFilesMissing if a database holds some of it.
 *        JET_bitRecoveryWithoutUndo      brings the databases to the end of the log files that are there (the current
 *                                        one may be missing), and ends with JET_errRecoveredWithoutUndo. Transactions
 *                                        that did not end are kept open: more log files may be added, and a later
 *                                        start goes on.
 *        JET_bitTruncateLogsAfterRecovery  deletes the log files that neither recovery nor the next incremental backup
 *                                        of the recovered databases needs; none if a database was left out
 *
 * Errors: JET_errFileNotFound also with JET_bitRecoveryWithoutUndo; JET_errInvalidGrbit for options that ESE reserves
 * (JET_bitReplayReplicatedLogFiles) and those that it has for replicas.
 * Source: JetInit2. */
JET_ERR JET_API JetInit2(JET_INSTANCE *pinstance, JET_GRBIT grbit);

/* JetInit for databases that have been moved, with a stop before the end of the log, or with progress.
 *
 * prstInfo  NULL: as JetInit2. Else with cbStruct set, and
 *           rgrstmap, crstmap  where databases are: szNewDatabaseName. A database is known by the signature of the file
 *                              there; szDatabaseName (as the log has it, may be NULL) is used where there is no such
 *                              file, or another database's: that is JET_errBadDbSignature. A database that is not in
 *                              the map is not looked for and stays as it is, unless JET_bitReplayMissingMapEntryDB is
 *                              set. crstmap 0: no map, all are where the log says, or in
 *                              JET_paramAlternateDatabaseRecoveryPath.
 *           lgposStop          records that begin here or later are not redone and nothing is undone:
 *                              JET_errRecoveredWithoutUndo, and what JET_bitRecoveryWithoutUndo says. isec and ib
 *                              beyond the last record of lGeneration: that generation is replayed to its end. All
 *                              zero: no stop.
 *           logtimeStop        the same, before the first log file that was created after this time (UTC)
 *           pfnStatus          progress; may be NULL. snp is JET_snpRestore; an error it returns ends recovery, which
 *                              a later start does again.
 * grbit     as for JetInit2
 *
 * Errors: JET_errDatabaseInvalidName (an entry without szNewDatabaseName); JET_errInvalidParameter also for a wrong
 * cbStruct, two entries with one path, a logtimeStop that is no time; JET_errDatabaseSignInUse (two entries are one
 * database); JET_errRecoveredWithoutUndo; JET_errFileNotFound (a stop, and no log). After a failure: as JetInit. After
 * JET_errRecoveredWithoutUndo the databases need recovery (they are in dirty state). Source: JetInit3, JET_RSTINFO,
 * JET_RSTMAP. Differs: logtimeStop, which ESE reserves, stops between log files: commits carry no time. A database that
 * is gone is never made again from the log. */
JET_ERR JET_API JetInit3(JET_INSTANCE *pinstance, JET_RSTINFO *prstInfo, JET_GRBIT grbit);

#define JET_bitTermComplete 0x00000001
#define JET_bitTermAbrupt 0x00000002
#define JET_bitTermStopBackup 0x00000004
#define JET_bitTermDirty 0x00000008

/* JetTerm2 with JET_bitTermAbrupt; for an instance that never ran it only frees it.
 * Source: JetTerm. */
JET_ERR JET_API JetTerm(JET_INSTANCE instance);

/* Ends an instance: ends its sessions (open transactions are rolled back), detaches its databases and closes the log.
 * The handle is no longer valid, nor are its sessions, cursors and databases.
 *
 * instance  running or not
 * grbit     0 or JET_bitTermComplete: with all the cleaning up; refused while a session is in a transaction
 *           JET_bitTermAbrupt: as fast as possible; space of deleted records may be reclaimed only later
 *           JET_bitTermDirty: writes nothing but the log; the databases need recovery, as after a crash
 *           with each of them JET_bitTermStopBackup: stops a backup that runs; its call gets
 *           JET_errBackupAbortByServer
 *
 * Errors: JET_errBackupInProgress (without JET_bitTermStopBackup, or in the status callback of that backup);
 * JET_errTooManyActiveUsers (only with JET_bitTermComplete: a session is in a transaction).
 * After a failure: if it was one of these two or an invalid argument, the instance still runs. After any other the
 * instance is gone all the same, as after a crash, and the next JetInit recovers.
 * Threads: calls of other threads that are under way finish first, but a backup that has not begun gets
 * JET_errTermInProgress; later ones get JET_errTermInProgress or JET_errInvalidInstance.
 * Source: JetTerm2. */
JET_ERR JET_API JetTerm2(JET_INSTANCE instance, JET_GRBIT grbit);

#define JET_bitStopServiceAll 0x00000000
#define JET_bitStopServiceBackgroundUserTasks 0x00000002
#define JET_bitStopServiceQuiesceCaches 0x00000004
#define JET_bitStopServiceStopAndEmitLog 0x00000008
#define JET_bitStopServiceResume 0x80000000

/* Prepares for JetTerm: writes back changed pages and refuses further work. Only JetRollback, JetCloseTable,
 * JetCloseDatabase, JetDetachDatabase(2), JetEndSession and JetTerm(2) still do theirs; the rest get
 * JET_errClientRequestToStopJetService. Optional.
 *
 * Source: JetStopServiceInstance. */
JET_ERR JET_API JetStopServiceInstance(JET_INSTANCE instance);

/* JetStopServiceInstance in single-instance mode.
 * Errors: JET_errRunningInMultiInstanceMode.
 * Source: JetStopService. */
JET_ERR JET_API JetStopService(void);

/* Sets a parameter. docs/parameters.md lists them: what each means, its range, default and scope, and which are used,
 * and which only stored.
 *
 * pinstance  the instance; NULL, or a variable that holds 0 or JET_instanceNil: the engine, that is, the default of
 *            instances made later; in single-instance mode the one instance. Parameters of global scope are the
 *            engine's in any case. Never written to.
 * sesid      a session, whose instance is meant then and pinstance is ignored; 0 or JET_sesidNil: none
 * paramid    JET_param...
 * lParam     the value, if it is a number; for a boolean 0 is false
 * szParam    the value, if it is a string. A path may be relative to the working directory, which is added now; the
 *            directory need not exist before JetInit.
 *
 * Errors: JET_errInvalidParameter (unknown, not supported or read-only parameter; number out of range; string NULL, too
 * long or too short, also a path whose absolute form is too long); JET_errAlreadyInitialized (too late: the instance
 * runs, or for a global parameter any instance does); JET_errInvalidPath (a path that cannot be one).
 * Source: JetSetSystemParameter.
 * Differs: JET_paramCommitDefault is always the instance's, also when a session is given. */
JET_ERR JET_API JetSetSystemParameter(JET_INSTANCE *pinstance, JET_SESID sesid, uint32_t paramid, JET_API_PTR lParam,
                                      JET_PCSTR szParam);

/* Reads a parameter.
 *
 * instance  0 or JET_instanceNil: the engine; in single-instance mode the one instance
 * sesid     as in JetSetSystemParameter
 * paramid   JET_param...
 * plParam   out: the value, if it is a number (then it may not be NULL). JET_paramErrorToString: in: a JET_ERR.
 * szParam   out: the value, if it is a string (then it may not be NULL), NUL-terminated. Paths are absolute, those of
 *           directories end with '/'. JET_paramErrorToString: name and text of the error, as in
 *           "JET_errKeyDuplicate,...".
 * cbMax     bytes at szParam
 *
 * Errors: JET_errInvalidParameter (unknown or not supported; the output that is needed is NULL or empty);
 * JET_errBufferTooSmall (cbMax).
 * Source: JetGetSystemParameter.
 * Differs: a string that does not fit is an error and never cut without notice. */
JET_ERR JET_API JetGetSystemParameter(JET_INSTANCE instance, JET_SESID sesid, uint32_t paramid, JET_API_PTR *plParam,
                                      JET_PSTR szParam, uint32_t cbMax);

/* The version of the engine whose behaviour this one follows.
 *
 * pwVersion  out: build number << 8 | service pack; programs switch features on by (*pwVersion & 0xFFFFFF) >> 8, which
 *            is at least 9900
 *
 * Source: JetGetVersion. */
JET_ERR JET_API JetGetVersion(JET_SESID sesid, uint32_t *pwVersion);

/* ---- sessions ---- */

#define JET_bitForceSessionClosed 0x00000001

/* Begins a session: what transactions, open databases and cursors belong to.
 *
 * instance    a running instance
 * psesid      out
 * szUserName, szPassword  ignored; may be NULL
 *
 * Errors: JET_errOutOfSessions (JET_paramMaxSessions).
 * Source: JetBeginSession. */
JET_ERR JET_API JetBeginSession(JET_INSTANCE instance, JET_SESID *psesid, JET_PCSTR szUserName, JET_PCSTR szPassword);

/* Ends a session: rolls back its transaction, closes its cursors and databases.
 *
 * grbit  0 or JET_bitForceSessionClosed, which does nothing
 *
 * Errors: JET_errSessionInUse (a call of another thread is under way, or another thread has set the session's context).
 * Threads: any, also while another one's transaction is open.
 * Source: JetEndSession. */
JET_ERR JET_API JetEndSession(JET_SESID sesid, JET_GRBIT grbit);

/* JetBeginSession on the instance of a session. Nothing else is taken over from it.
 * Source: JetDupSession. */
JET_ERR JET_API JetDupSession(JET_SESID sesid, JET_SESID *psesid);

/* Gives the session to the calling thread until JetResetSessionContext. A transaction that begins meanwhile belongs to
 * the context and not to the thread: after JetResetSessionContext the thread that sets the same context goes on with
 * it. So a program whose requests move from thread to thread can keep a session, and its transaction, with the request.
 * A context that is set while a transaction is open counts from the next one on.
 *
 * ulContext  whatever tells the program's contexts apart, an address for example; not 0, not JET_API_PTR's -1
 *
 * Errors: JET_errSessionContextAlreadySet (by whichever thread; or a call with the session is under way).
 * Threads: any number may try on the same session, one succeeds, and the others do not get into its way.
 * Source: JetSetSessionContext. */
JET_ERR JET_API JetSetSessionContext(JET_SESID sesid, JET_API_PTR ulContext);

/* Ends what JetSetSessionContext began. A transaction may be open: until the same context is set again, its session
 * gives JET_errSessionSharingViolation to every thread.
 *
 * Errors: JET_errSessionContextNotSetByThisThread (by another one, or not at all).
 * Source: JetResetSessionContext. */
JET_ERR JET_API JetResetSessionContext(JET_SESID sesid);

/* ---- transactions ---- */

#define JET_bitTransactionReadOnly 0x00000001
#define JET_bitCommitLazyFlush 0x00000001
#define JET_bitWaitLastLevel0Commit 0x00000002
#define JET_bitWaitAllLevel0Commit 0x00000008
#define JET_bitRollbackAll 0x00000001

/* JetBeginTransaction2 without options.
 * Source: JetBeginTransaction. */
JET_ERR JET_API JetBeginTransaction(JET_SESID sesid);

/* Begins a transaction, or a savepoint in one: they nest up to 7 deep. A transaction sees the databases as they were
 * when the outermost level began, and its own changes. The first to change a record has it until its outermost level
 * ends; another that tries gets JET_errWriteConflict at once, rolls back, waits and starts over. Changes of the schema
 * are part of the transaction.
 *
 * Without a transaction each call sees the newest committed state, and a change is committed by itself.
 *
 * grbit  0, or JET_bitTransactionReadOnly: changes get JET_errTransReadOnly (ignored in a nested transaction)
 *
 * Errors: JET_errTransTooDeep.
 * Threads: until the outermost level ends the session is this thread's, or its context's (JetSetSessionContext).
 * Source: JetBeginTransaction2. */
JET_ERR JET_API JetBeginTransaction2(JET_SESID sesid, JET_GRBIT grbit);

/* Commits the innermost level: its changes become those of the level around it. Committing the outermost level makes
 * them visible to transactions that begin later, and durable: they survive a crash once the call has returned. Commits
 * of several sessions share one write.
 *
 * grbit  0: as JET_paramCommitDefault says
 *        JET_bitCommitLazyFlush: returns before the commit is durable; a crash may undo it, with every commit after it
 *        JET_bitWaitLastLevel0Commit: commits nothing; waits until this session's lazy commits are durable
 *        JET_bitWaitAllLevel0Commit: the same for all sessions
 *        The last two stand alone and need no transaction, and are for sessions that are in none.
 *
 * Errors: JET_errNotInTransaction; JET_errInTransaction (the two that wait); JET_errLogWriteFail, JET_errLogDiskFull,
 * JET_errInstanceUnavailable.
 * After a failure: the session is still in the transaction and has to roll back. If the log failed while the outermost
 * level was being committed, the transaction is over; whether it was committed shows after the next JetInit.
 * Source: JetCommitTransaction. */
JET_ERR JET_API JetCommitTransaction(JET_SESID sesid, JET_GRBIT grbit);

/* Undoes the innermost level and ends it. Cursors that were opened in it are closed, updates that were prepared in it
 * are cancelled; other cursors stay where they are.
 *
 * grbit  0, or JET_bitRollbackAll: all levels
 *
 * Errors: JET_errNotInTransaction; JET_errRollbackError (the undo could not be completed: the instance is unavailable,
 * and the next JetInit finishes it).
 * Source: JetRollback. */
JET_ERR JET_API JetRollback(JET_SESID sesid, JET_GRBIT grbit);

/* ---- databases ---- */

#define JET_bitDbReadOnly 0x00000001
#define JET_bitDbExclusive 0x00000002
#define JET_bitDbSingleExclusive 0x00000002
#define JET_bitDbRecoveryOff 0x00000008
#define JET_bitDbDeleteCorruptIndexes 0x00000010
#define JET_bitDbRebuildCorruptIndexes 0x00000020
#define JET_bitDbVersioningOff 0x00000040
#define JET_bitDbShadowingOff 0x00000080
#define JET_bitDbCreateStreamingFile 0x00000100
#define JET_bitDbUpgrade 0x00000200           /* of JetAttachDatabase; ignored */
#define JET_bitDbOverwriteExisting 0x00000200 /* of JetCreateDatabase */
#define JET_bitDbDeleteUnicodeIndexes 0x00000400
#define JET_bitDbEnableBackgroundMaintenance 0x00000800
#define JET_bitDbPurgeCacheOnAttach 0x00001000
#define JET_bitForceDetach 0x00000001
#define JET_bitForceCloseAndDetach (0x00000002 | JET_bitForceDetach)

/* JetCreateDatabase2 without a largest size.
 *
 * szConnect  ignored; may be NULL
 *
 * Source: JetCreateDatabase. */
JET_ERR JET_API JetCreateDatabase(JET_SESID sesid, JET_PCSTR szFilename, JET_PCSTR szConnect, JET_DBID *pdbid,
                                  JET_GRBIT grbit);

/* Makes a database, attaches and opens it.
 *
 * sesid       not in a transaction
 * szFilename  path; its directory must exist, unless JET_paramCreatePathIfNotExist is set
 * cpgDatabaseSizeMax  largest size in pages; 0: no limit. At most 0x7ffffffe.
 * pdbid       out: the database, for this session
 * grbit       0, or JET_bitDbOverwriteExisting: replaces a file that is there
 *
 * Errors: JET_errInTransaction; JET_errDatabaseDuplicate (the file exists, or is attached);
 * JET_errDatabaseInvalidPath, JET_errInvalidPath, JET_errFileAccessDenied; JET_errDatabaseInvalidPages;
 * JET_errTooManyAttachedDatabases (6 for an instance); JET_errOneDatabasePerSession; JET_errDatabaseSharingViolation
 * (another instance or process has it); JET_errBackupInProgress; JET_errDiskFull.
 * After a failure: there is no file, or the one that was there.
 * Source: JetCreateDatabase2.
 * Differs: a database is always logged and its catalog always shadowed: JET_bitDbRecoveryOff and JET_bitDbShadowingOff
 * are JET_errInvalidGrbit. */
JET_ERR JET_API JetCreateDatabase2(JET_SESID sesid, const char *szFilename, const uint32_t cpgDatabaseSizeMax,
                                   JET_DBID *pdbid, JET_GRBIT grbit);

/* JetAttachDatabase2 without a largest size.
 * Source: JetAttachDatabase. */
JET_ERR JET_API JetAttachDatabase(JET_SESID sesid, const char *szFilename, JET_GRBIT grbit);

/* Attaches a database to the instance, for all its sessions. JetOpenDatabase opens it then. A database that Windows
 * wrote (format 0x620, revision 20 or lower, cleanly closed) can be attached.
 *
 * szFilename  path
 * cpgDatabaseSizeMax  largest size in pages; 0: no limit
 * grbit       0, or
 *             JET_bitDbReadOnly: nothing is written to the file, and other processes may read it too
 *             JET_bitDbUpgrade, JET_bitDbEnableBackgroundMaintenance, JET_bitDbPurgeCacheOnAttach: ignored
 *
 * Warnings: JET_wrnDatabaseAttached (it was attached to this instance already); JET_wrnFileOpenReadOnly.
 * Errors: JET_errInTransaction; JET_errDatabaseInvalidPath, JET_errFileNotFound, JET_errFileAccessDenied,
 * JET_errDatabaseFileReadOnly (needs JET_bitDbReadOnly); JET_errDatabaseSharingViolation (another instance or process
 * has it); JET_errTooManyAttachedDatabases (6); JET_errDatabaseDirtyShutdown (needs the recovery of the instance it
 * belongs to); JET_errSoftRecoveryOnBackupDatabase (a backup's copy: restore it);
 * JET_errInvalidDatabaseVersion, JET_errPageSizeMismatch, JET_errDatabaseCorrupted, JET_errInvalidDatabase;
 * JET_errDatabaseSignInUse (a copy of an attached database); JET_errBackupInProgress; JET_errInvalidPath (more than
 * the log can record).
 * Source: JetAttachDatabase2.
 * Differs: indexes over Unicode text that were sorted by other rules are not checked here; they are read, and changing
 * one is JET_errSecondaryIndexCorrupted. So JET_bitDbDeleteCorruptIndexes and JET_bitDbDeleteUnicodeIndexes are
 * JET_errInvalidGrbit. */
JET_ERR JET_API JetAttachDatabase2(JET_SESID sesid, const char *szFilename, const uint32_t cpgDatabaseSizeMax,
                                   JET_GRBIT grbit);

/* Opens an attached database for a session; it may be opened more than once.
 *
 * szFilename  path, as attached
 * szConnect   ignored; may be NULL
 * pdbid       out: the database. Closed by JetCloseDatabase and at the end of the session.
 * grbit       0, or
 *             JET_bitDbReadOnly: this session changes nothing in it, unless it has opened it for writing too
 *             JET_bitDbExclusive: no other session may open it meanwhile
 *
 * Warnings: JET_wrnFileOpenReadOnly (attached with JET_bitDbReadOnly, which was not asked for here).
 * Errors: JET_errDatabaseNotFound (not attached); JET_errDatabaseInUse (exclusive, and another session has it open);
 * JET_errDatabaseLocked (another session has it exclusively); JET_errDatabaseInvalidPath; JET_errOneDatabasePerSession.
 * Source: JetOpenDatabase. */
JET_ERR JET_API JetOpenDatabase(JET_SESID sesid, const char *szFilename, const char *szConnect, JET_DBID *pdbid,
                                JET_GRBIT grbit);

/* Undoes one JetOpenDatabase or JetCreateDatabase. Cursors of the session on the database are closed with the last.
 *
 * grbit  0
 *
 * Errors: JET_errInvalidDatabaseId, JET_errDatabaseNotFound (not open in this session).
 * Source: JetCloseDatabase. */
JET_ERR JET_API JetCloseDatabase(JET_SESID sesid, JET_DBID dbid, JET_GRBIT grbit);

/* JetDetachDatabase2 without options.
 * Source: JetDetachDatabase. */
JET_ERR JET_API JetDetachDatabase(JET_SESID sesid, const char *szFilename);

/* Writes a database back, marks it as cleanly closed and releases its file.
 *
 * sesid       not in a transaction
 * szFilename  path; NULL or "": all databases of the instance
 * grbit       0
 *
 * Errors: JET_errInTransaction; JET_errDatabaseNotFound (not attached); JET_errDatabaseInUse (a session has it open);
 * JET_errBackupInProgress; JET_errForceDetachNotAllowed (JET_bitForceDetach, JET_bitForceCloseAndDetach).
 * After a failure: it is still attached; of several, those before it are detached.
 * Source: JetDetachDatabase2. */
JET_ERR JET_API JetDetachDatabase2(JET_SESID sesid, const char *szFilename, JET_GRBIT grbit);

#define JET_DbInfoFilename 0
#define JET_DbInfoConnect 1
#define JET_DbInfoCountry 2
#define JET_DbInfoLCID 3
#define JET_DbInfoLangid 3
#define JET_DbInfoCp 4
#define JET_DbInfoCollate 5
#define JET_DbInfoOptions 6
#define JET_DbInfoTransactions 7
#define JET_DbInfoVersion 8
#define JET_DbInfoIsam 9
#define JET_DbInfoFilesize 10
#define JET_DbInfoSpaceOwned 11
#define JET_DbInfoSpaceAvailable 12
#define JET_DbInfoUpgrade 13
#define JET_DbInfoMisc 14
#define JET_DbInfoDBInUse 15
#define JET_DbInfoPageSize 17
#define JET_DbInfoStreamingFileSpace_Obsolete 18
#define JET_DbInfoFileType 19
#define JET_DbInfoStreamingFileSize_Obsolete 20
#define JET_DbInfoFilesizeOnDisk 21

#define JET_filetypeUnknown 0
#define JET_filetypeDatabase 1
#define JET_filetypeStreamingFile 2
#define JET_filetypeLog 3
#define JET_filetypeCheckpoint 4
#define JET_filetypeTempDatabase 5
#define JET_filetypeFlushMap 7

/* Facts about an open database.
 *
 * dbid       open in this session
 * pvResult   out: as InfoLevel says
 * cbMax      bytes at pvResult
 * InfoLevel  JET_DbInfoFilename        char[]: absolute path
 *            JET_DbInfoLCID            uint32_t: 0x0409
 *            JET_DbInfoCountry, JET_DbInfoCp, JET_DbInfoCollate   uint32_t: 1, 1252, 0
 *            JET_DbInfoOptions         uint32_t: JET_bitDbExclusive or 0
 *            JET_DbInfoTransactions    uint32_t: 7, how deep transactions nest
 *            JET_DbInfoVersion         uint32_t: 0x620
 *            JET_DbInfoFilesize        uint32_t: pages
 *            JET_DbInfoFilesizeOnDisk  uint32_t: pages
 *            JET_DbInfoSpaceOwned      uint32_t: pages that the database has
 *            JET_DbInfoSpaceAvailable  uint32_t: pages of these that are free for any tree
 *            JET_DbInfoPageSize        uint32_t: bytes
 *            JET_DbInfoMisc            the largest JET_DBINFOMISC... that fits in cbMax
 *
 * Errors: JET_errBufferTooSmall (a string, JET_DbInfoMisc), JET_errInvalidBufferSize (a number: cbMax must be its
 * size); JET_errFeatureNotAvailable (JET_DbInfoIsam); JET_errInvalidParameter (a level that is not listed).
 * Source: JetGetDatabaseInfo. */
JET_ERR JET_API JetGetDatabaseInfo(JET_SESID sesid, JET_DBID dbid, void *pvResult, uint32_t cbMax, uint32_t InfoLevel);

/* Facts about a file, whether any instance runs or not.
 *
 * szDatabaseName  path
 * pvResult   out: as InfoLevel says
 * cbMax      bytes at pvResult
 * InfoLevel  JET_DbInfoFilesize    uint64_t: bytes
 *            JET_DbInfoFilesizeOnDisk  uint64_t: bytes
 *            JET_DbInfoPageSize    uint32_t: bytes
 *            JET_DbInfoMisc        the largest JET_DBINFOMISC... that fits in cbMax
 *            JET_DbInfoDBInUse     uint32_t: 1 if an instance or process has it open for writing, else 0
 *            JET_DbInfoFileType    uint32_t: JET_filetype...
 *
 * Errors: JET_errDatabaseInvalidPath, JET_errFileNotFound, JET_errFileAccessDenied; JET_errDatabaseCorrupted (no
 * database header); JET_errBufferTooSmall, JET_errInvalidBufferSize, JET_errInvalidParameter as above.
 * Source: JetGetDatabaseFileInfo.
 * Differs: JET_DbInfoUpgrade is JET_errInvalidParameter. */
JET_ERR JET_API JetGetDatabaseFileInfo(const char *szDatabaseName, void *pvResult, uint32_t cbMax, uint32_t InfoLevel);

/* ---- tables, columns, indexes ---- */

/* Makes an empty table with no columns and no index of its own (records are in the order of insertion).
 *
 * dbid       open in this session, for writing
 * szTableName
 * lPages     pages to reserve at first; 0: one
 * lDensity   how full pages are made, percent: 20..100; 0: 80
 * ptableid   out: a cursor that keeps others from opening the table. Others see it after the commit and its closing.
 *
 * Errors: JET_errTableDuplicate; JET_errInvalidName; JET_errDensityInvalid; JET_errTooManyOpenTables,
 * JET_errOutOfCursors; JET_errTransReadOnly, JET_errDatabaseFileReadOnly, JET_errPermissionDenied;
 * JET_errWriteConflict.
 * Source: JetCreateTable. */
JET_ERR JET_API JetCreateTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName, uint32_t lPages,
                               uint32_t lDensity, JET_TABLEID *ptableid);

/* Makes a table with its columns and its primary index.
 *
 * ptablecreate  in and out; cbStruct of it and of each JET_COLUMNCREATE and JET_INDEXCREATE must be their size. Columns
 *               and indexes get their columnid and err; cCreated counts up to the failure.
 *
 * Errors: those of JetCreateTable, JetAddColumn and JetCreateIndex; JET_errInvalidCreateIndex (rgindexcreate NULL with
 * cIndexes); JET_errFeatureNotAvailable (template tables).
 * After a failure: there is no table, and tableid is JET_tableidNil.
 * Source: JetCreateTableColumnIndex. */
JET_ERR JET_API JetCreateTableColumnIndex(JET_SESID sesid, JET_DBID dbid, JET_TABLECREATE *ptablecreate);

/* Adds a column. Records that are there have its default.
 *
 * tableid       a cursor on the table
 * szColumnName
 * pcolumndef    type and options. Combinations: JET_bitColumnFixed, JET_bitColumnTagged or neither; long types are
 *               always tagged. JET_bitColumnNotNULL not with tagged columns; JET_bitColumnAutoincrement and
 *               JET_bitColumnVersion once each in a table, not in one column, not with tagged ones;
 *               JET_bitColumnMultiValued only with tagged ones.
 * pvDefault     default value; NULL: none
 * cbDefault     its bytes; more than 255 is cut
 * pcolumnid     out: the column; may be NULL
 *
 * Warnings: JET_wrnColumnMaxTruncated (cbMax of a column that is not long was above 255).
 * Errors: JET_errInvalidParameter (cbStruct); JET_errInvalidName; JET_errColumnDuplicate; JET_errInvalidColumnType;
 * JET_errInvalidCodePage; JET_errTaggedNotNULL; JET_errMultiValuedColumnMustBeTagged; JET_errCannotBeTagged;
 * JET_errColumnRedundant; JET_errTooManyColumns; JET_errRecordTooBig (the fixed columns do not fit);
 * JET_errFixedDDL; JET_errTransReadOnly, JET_errPermissionDenied;
 * JET_errWriteConflict.
 * Source: JetAddColumn.
 * Differs: escrow and unversioned columns, user-defined defaults, compression and encryption are
 * JET_errFeatureNotAvailable. */
JET_ERR JET_API JetAddColumn(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szColumnName,
                             const JET_COLUMNDEF *pcolumndef, const void *pvDefault, uint32_t cbDefault,
                             JET_COLUMNID *pcolumnid);

/* Makes an index.
 *
 * tableid      a cursor on the table, which must be empty for a primary index
 * szIndexName
 * grbit        JET_bitIndexPrimary, and any of JET_bitIndexUnique (implied), JET_bitIndexDisallowNull,
 *              JET_bitIndexSortNullsHigh, JET_bitIndexDisallowTruncation, JET_bitIndexLazyFlush (a hint)
 * szKey        "+column\0-column\0\0": + ascending, - descending, most significant first
 * cbKey        bytes of szKey with its two NULs
 * lDensity     percent, 20..100; 0: that of the table
 *
 * Errors: JET_errInvalidName; JET_errIndexDuplicate; JET_errIndexHasPrimary; JET_errIndexInvalidDef (szKey);
 * JET_errColumnNotFound; JET_errTooManyKeys (more than JET_ccolKeyMost columns); JET_errDensityInvalid;
 * JET_errTableNotEmpty; JET_errInvalidGrbit (the options that ignore NULLs, with a primary index); JET_errFixedDDL;
 * JET_errTransReadOnly, JET_errPermissionDenied; JET_errWriteConflict.
 * Source: JetCreateIndex.
 * Differs: without JET_bitIndexPrimary it is JET_errFeatureNotAvailable; so are JET_bitIndexUnversioned,
 * JET_bitIndexDotNetGuid, JET_bitIndexImmutableStructure and, in a JET_INDEXCREATE, cbVarSegMac. Unicode text is sorted
 * by the library's own order, which the catalog records; it is not that of Windows. */
JET_ERR JET_API JetCreateIndex(JET_SESID sesid, JET_TABLEID tableid, JET_PCSTR szIndexName, JET_GRBIT grbit,
                               const char *szKey, uint32_t cbKey, uint32_t lDensity);

#define JET_bitTableDenyWrite 0x00000001
#define JET_bitTableDenyRead 0x00000002
#define JET_bitTableReadOnly 0x00000004
#define JET_bitTableUpdatable 0x00000008
#define JET_bitTablePermitDDL 0x00000010
#define JET_bitTableNoCache 0x00000020
#define JET_bitTablePreread 0x00000040
#define JET_bitTableOpportuneRead 0x00000080
#define JET_bitTableAllowOutOfDate 0x00000100
#define JET_bitTableSequential 0x00008000
#define JET_bitTableClassMask 0x001F0000
#define JET_bitTableClassNone 0x00000000
#define JET_bitTableClass1 0x00010000
#define JET_bitTableClass2 0x00020000
#define JET_bitTableClass3 0x00030000
#define JET_bitTableClass4 0x00040000
#define JET_bitTableClass5 0x00050000
#define JET_bitTableClass6 0x00060000
#define JET_bitTableClass7 0x00070000
#define JET_bitTableClass8 0x00080000
#define JET_bitTableClass9 0x00090000
#define JET_bitTableClass10 0x000A0000
#define JET_bitTableClass11 0x000B0000
#define JET_bitTableClass12 0x000C0000
#define JET_bitTableClass13 0x000D0000
#define JET_bitTableClass14 0x000E0000
#define JET_bitTableClass15 0x000F0000
#define JET_bitTableClass16 0x00100000
#define JET_bitTableClass17 0x00110000
#define JET_bitTableClass18 0x00120000
#define JET_bitTableClass19 0x00130000
#define JET_bitTableClass20 0x00140000
#define JET_bitTableClass21 0x00150000
#define JET_bitTableClass22 0x00160000
#define JET_bitTableClass23 0x00170000
#define JET_bitTableClass24 0x00180000
#define JET_bitTableClass25 0x00190000
#define JET_bitTableClass26 0x001A0000
#define JET_bitTableClass27 0x001B0000
#define JET_bitTableClass28 0x001C0000
#define JET_bitTableClass29 0x001D0000
#define JET_bitTableClass30 0x001E0000
#define JET_bitTableClass31 0x001F0000
#define JET_bitTableTryPurgeOnClose 0x01000000
#define JET_bitTableDelete 0x10000000
#define JET_bitTableCreate 0x20000000

/* Opens a cursor on a table. It is on the primary index, on the first record.
 *
 * dbid          open in this session
 * szTableName   also a system table, which can only be read
 * pvParameters, cbParameters  ignored; NULL and 0
 * grbit         0, or
 *               JET_bitTableReadOnly     no changes through this cursor
 *               JET_bitTableUpdatable    the opposite, and the default where the database can be written
 *               JET_bitTableDenyRead     no other session has or gets a cursor
 *               JET_bitTableDenyWrite    no other session has or gets one that can change
 *               JET_bitTablePermitDDL    with JET_bitTableDenyRead: changes of a JET_bitTableCreateFixedDDL table
 *               JET_bitTableSequential, JET_bitTablePreread, JET_bitTableOpportuneRead, JET_bitTableNoCache,
 *               JET_bitTableTryPurgeOnClose, JET_bitTableClass...   hints
 * ptableid      out: the cursor. JetCloseTable closes it; so does the rollback of the level it was opened in.
 *
 * Errors: JET_errObjectNotFound; JET_errInvalidName; JET_errPermissionDenied (JET_bitTableUpdatable, and the database
 * is open with JET_bitDbReadOnly only); JET_errTableLocked (another cursor denies this);
 * JET_errTableInUse (this would deny what another cursor has); JET_errOutOfCursors (JET_paramMaxCursors);
 * JET_errTooManyOpenTables (JET_paramMaxOpenTables); JET_errCatalogCorrupted.
 * Source: JetOpenTable. */
JET_ERR JET_API JetOpenTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName, const void *pvParameters,
                             uint32_t cbParameters, JET_GRBIT grbit, JET_TABLEID *ptableid);

/* Closes a cursor, also one on a temporary table, which ends with it. An update that was prepared is cancelled.
 * Source: JetCloseTable. */
JET_ERR JET_API JetCloseTable(JET_SESID sesid, JET_TABLEID tableid);

/* Deletes a table. Its space is free after the commit, when no transaction sees the table any more.
 *
 * Errors: JET_errObjectNotFound; JET_errInvalidName; JET_errTableInUse (a cursor is open on it, of any session);
 * JET_errCannotDeleteSystemTable; JET_errTransReadOnly, JET_errPermissionDenied; JET_errWriteConflict.
 * Source: JetDeleteTable. */
JET_ERR JET_API JetDeleteTable(JET_SESID sesid, JET_DBID dbid, const char *szTableName);

#define JET_ColInfo 0U
#define JET_ColInfoList 1U
#define JET_ColInfoSysTabCursor 3U
#define JET_ColInfoBase 4U
#define JET_ColInfoListCompact 5U
#define JET_ColInfoByColid 6U
#define JET_ColInfoListSortColumnid 7U
#define JET_ColInfoBaseByColid 8U
#define JET_ColInfoGrbitNonDerivedColumnsOnly 0x80000000
#define JET_ColInfoGrbitMinimalInfo 0x40000000
#define JET_ColInfoGrbitSortByColumnid 0x20000000

/* Describes a column of a cursor's table, or all of them.
 *
 * szColumnName  name; with the ...ByColid levels the address of a JET_COLUMNID; with the lists ignored
 * pvResult      out: as InfoLevel says. cbStruct is set by the call.
 * cbMax         bytes at pvResult, at least the size of the struct
 * InfoLevel     JET_ColInfo, JET_ColInfoByColid           a JET_COLUMNDEF
 *               JET_ColInfoBase, JET_ColInfoBaseByColid   a JET_COLUMNBASE
 *               JET_ColInfoList                           a JET_COLUMNLIST, by name
 *               JET_ColInfoListSortColumnid               a JET_COLUMNLIST, by columnid
 *               JET_ColInfoListCompact                    as JET_ColInfoList
 *               with JET_ColInfoList: JET_ColInfoGrbitSortByColumnid, JET_ColInfoGrbitMinimalInfo (names and columnids
 *               only), JET_ColInfoGrbitNonDerivedColumnsOnly
 *               A list's tableid is a cursor on a temporary table, to be read and closed.
 *
 * Errors: JET_errColumnNotFound; JET_errInvalidName; JET_errBadColumnId; JET_errInvalidParameter (cbMax too small, a
 * level that is not listed); JET_errFeatureNotAvailable (JET_ColInfoSysTabCursor).
 * Source: JetGetTableColumnInfo. */
JET_ERR JET_API JetGetTableColumnInfo(JET_SESID sesid, JET_TABLEID tableid, const char *szColumnName, void *pvResult,
                                      uint32_t cbMax, uint32_t InfoLevel);

#define JET_ObjInfo 0U
#define JET_ObjInfoListNoStats 1U
#define JET_ObjInfoList 2U
#define JET_ObjInfoSysTabCursor 3U
#define JET_ObjInfoListACM 4U
#define JET_ObjInfoNoStats 5U
#define JET_ObjInfoSysTabReadOnly 6U
#define JET_ObjInfoRulesLoaded 7U
#define JET_ObjInfoMax 8U

/* Describes a table of a database, or all of them.
 *
 * objtyp           JET_objtypNil or JET_objtypTable, which are the same
 * szContainerName  NULL, "" or "Tables"
 * szObjectName     the table; for the lists NULL or ""
 * pvResult         out: as InfoLevel says. cbStruct is set by the call.
 * cbMax            bytes at pvResult
 * InfoLevel        JET_ObjInfo, JET_ObjInfoNoStats          a JET_OBJECTINFO
 *                  JET_ObjInfoList, JET_ObjInfoListNoStats  a JET_OBJECTLIST: tableid is a cursor on a temporary table,
 *                                                           to be read and closed
 *
 * Errors: JET_errObjectNotFound; JET_errInvalidName; JET_errBufferTooSmall; JET_errInvalidParameter (objtyp, or a level
 * that is not listed); JET_errFeatureNotAvailable (the deprecated levels).
 * Source: JetGetObjectInfo.
 * Differs: cRecord and cPage are 0, as ESE has them for a table whose statistics were never computed. */
JET_ERR JET_API JetGetObjectInfo(JET_SESID sesid, JET_DBID dbid, JET_OBJTYP objtyp, const char *szContainerName,
                                 const char *szObjectName, void *pvResult, uint32_t cbMax, uint32_t InfoLevel);

/* ---- changing records ---- */

#define JET_prepInsert 0
#define JET_prepReplace 2
#define JET_prepCancel 3
#define JET_prepReplaceNoLock 4
#define JET_prepInsertCopy 5
#define JET_prepInsertCopyDeleteOriginal 7
#define JET_prepReadOnlyCopy 8
#define JET_prepInsertCopyReplaceOriginal 9
#define JET_prepInsertMustSetAutoIncrement 10

/* Begins to insert or to replace a record: JetPrepareUpdate, JetSetColumn as often as needed, JetUpdate. The record is
 * made in the cursor's copy buffer, and nothing else is changed before JetUpdate.
 *
 * prep  JET_prepInsert             a new record of default values; an autoincrement column gets its value now
 *       JET_prepInsertCopy         the same, from a copy of the current record (autoincrement: a new value)
 *       JET_prepInsertCopyDeleteOriginal  from a copy too, and JetUpdate deletes the original: to change a primary key
 *       JET_prepReplace            the current record, which no other session can change from now on; outside of a
 *                                  transaction the same as JET_prepReplaceNoLock
 *       JET_prepReplaceNoLock      the current record; a conflict shows in JetUpdate
 *       JET_prepCancel             ends the update without effect
 *
 * Errors: JET_errAlreadyPrepared; JET_errUpdateNotPrepared (JET_prepCancel); JET_errNoCurrentRecord,
 * JET_errRecordDeleted; JET_errWriteConflict (JET_prepReplace);
 * JET_errTransReadOnly, JET_errPermissionDenied (cursor or database is read-only); JET_errSecondaryIndexCorrupted (an
 * index of the table cannot be kept up, because another system sorted it); JET_errOutOfAutoincrementValues;
 * JET_errInvalidParameter (any other prep).
 * Source: JetPrepareUpdate.
 * Differs: the preps above JET_prepInsertCopyDeleteOriginal are JET_errFeatureNotAvailable; so is changing a table that
 * has secondary indexes or separate long values. */
JET_ERR JET_API JetPrepareUpdate(JET_SESID sesid, JET_TABLEID tableid, uint32_t prep);

#define JET_bitSetAppendLV 0x00000001
#define JET_bitSetOverwriteLV 0x00000004
#define JET_bitSetSizeLV 0x00000008
#define JET_bitSetZeroLength 0x00000020
#define JET_bitSetSeparateLV 0x00000040
#define JET_bitSetUniqueMultiValues 0x00000080
#define JET_bitSetUniqueNormalizedMultiValues 0x00000100
#define JET_bitSetRevertToDefaultValue 0x00000200
#define JET_bitSetIntrinsicLV 0x00000400
#define JET_bitSetUncompressed 0x00010000
#define JET_bitSetCompressed 0x00020000
#define JET_bitSetContiguousLV 0x00040000

/* Sets a value in the record that JetPrepareUpdate began.
 *
 * columnid  the column
 * pvData    the value, little-endian for numbers; Text as it is, without a terminating NUL
 * cbData    its bytes: exactly the type's size for fixed types. 0: NULL, or with JET_bitSetZeroLength a value of no
 *           bytes. Text and Binary of JET_bitColumnFixed are padded.
 * grbit     0, or
 *           JET_bitSetZeroLength     see cbData
 *           JET_bitSetAppendLV       behind the end of the long value
 *           JET_bitSetSizeLV         cuts or extends (with zeros) a long value to cbData bytes; pvData may be NULL
 *           JET_bitSetOverwriteLV    writes over a part of a long value; with JET_bitSetSizeLV ends it there
 *           JET_bitSetRevertToDefaultValue   drops all values of a tagged column
 *           JET_bitSetUniqueMultiValues, JET_bitSetUniqueNormalizedMultiValues   refuses a value that the column has
 *                                    already; not with the three options for parts of long values
 *           JET_bitSetIntrinsicLV, JET_bitSetUncompressed, JET_bitSetCompressed, JET_bitSetContiguousLV  hints
 * psetinfo  which value of a multi-valued column, and the byte of a long value; NULL: value 1, byte 0.
 *           itagSequence 0, or above the number of values, adds one; NULL in place of a value removes it.
 *
 * Warnings: JET_wrnColumnMaxTruncated (Text or Binary longer than cbMax of the column: cut).
 * Errors: JET_errUpdateNotPrepared; JET_errColumnNotFound, JET_errBadColumnId; JET_errInvalidBufferSize;
 * JET_errColumnTooBig (a long value longer than cbMax); JET_errBadItagSequence, JET_errMultiValuedColumnMustBeTagged
 * (itagSequence above 1 of a column that has one value); JET_errNullInvalid (JET_bitColumnNotNULL);
 * JET_errInvalidColumnType (an autoincrement column, a version column of an update); JET_errMultiValuedDuplicate;
 * JET_errRecordTooBig (the value is larger than a page); JET_errInvalidParameter (cbStruct of psetinfo).
 * After a failure: the copy buffer is as before.
 * Source: JetSetColumn.
 * Differs: a long value lives in its record, so its size is bounded by the page: JET_errRecordTooBig, and
 * JET_bitSetSeparateLV is JET_errFeatureNotAvailable. A record of Windows that has a separate long value can be read
 * but for that value, and not be changed. */
JET_ERR JET_API JetSetColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid, const void *pvData,
                             uint32_t cbData, JET_GRBIT grbit, JET_SETINFO *psetinfo);

/* JetSetColumn for several values, in order.
 *
 * psetcolumn  in and out: err of each is set
 * csetcolumn  how many
 *
 * Warnings and errors: the first error, which ends the call; else the warning of the last column.
 * After a failure: what stands before the column that failed is set.
 * Source: JetSetColumns. */
JET_ERR JET_API JetSetColumns(JET_SESID sesid, JET_TABLEID tableid, JET_SETCOLUMN *psetcolumn, uint32_t csetcolumn);

/* Writes the record that was prepared. A version column counts up. The cursor stays where it was: JetGotoBookmark goes
 * to an inserted record.
 *
 * pvBookmark  out: its bookmark; may be NULL
 * cbBookmark  bytes at pvBookmark
 * pcbActual   out: bytes of the bookmark; may be NULL
 *
 * Errors: JET_errUpdateNotPrepared; JET_errKeyDuplicate; JET_errNullInvalid; JET_errNullKeyDisallowed;
 * JET_errRecordTooBig (the page holds no larger record);
 * JET_errKeyTruncated (JET_bitIndexDisallowTruncation); JET_errRecordPrimaryChanged (a replaced record may not change
 * its primary key); JET_errWriteConflict; JET_errRecordDeleted; JET_errTransReadOnly; JET_errBufferTooSmall
 * (pvBookmark: nothing was written).
 * After a failure: the update is still prepared; correct it, or cancel it with JET_prepCancel.
 * Source: JetUpdate. */
JET_ERR JET_API JetUpdate(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbBookmark,
                          uint32_t *pcbActual);

/* Deletes the current record. The cursor is between its neighbours then: JET_MoveNext goes to the next. An update that
 * was prepared is cancelled.
 *
 * Errors: JET_errNoCurrentRecord; JET_errRecordDeleted; JET_errWriteConflict;
 * JET_errSecondaryIndexCorrupted and JET_errFeatureNotAvailable as in JetPrepareUpdate; JET_errTransReadOnly,
 * JET_errPermissionDenied.
 * Source: JetDelete. */
JET_ERR JET_API JetDelete(JET_SESID sesid, JET_TABLEID tableid);

/* ---- reading records ---- */

#define JET_bitRetrieveCopy 0x00000001
#define JET_bitRetrieveFromIndex 0x00000002
#define JET_bitRetrieveFromPrimaryBookmark 0x00000004
#define JET_bitRetrieveTag 0x00000008
#define JET_bitRetrieveNull 0x00000010
#define JET_bitRetrieveIgnoreDefault 0x00000020
#define JET_bitRetrieveLongId 0x00000040
#define JET_bitRetrieveLongValueRefCount 0x00000080
#define JET_bitRetrieveTuple 0x00000800
#define JET_bitRetrievePageNumber 0x00001000
#define JET_bitRetrieveCopyIntrinsic 0x00002000
#define JET_bitRetrievePrereadOnly 0x00004000
#define JET_bitRetrievePrereadMany 0x00008000
#define JET_bitRetrievePhysicalSize 0x00010000

/* Reads a value of the current record.
 *
 * columnid   the column; 0: the tagged columns one after the other, of which pretinfo->itagSequence chooses
 * pvData     out: the value; may be NULL, to ask for its size
 * cbData     bytes at pvData
 * pcbActual  out: bytes of the whole value (from ibLongValue on), also where they do not fit; may be NULL. NULL: 0.
 * grbit      0, or
 *            JET_bitRetrieveCopy    of the record that is being made, where an update is prepared
 *            JET_bitRetrieveFromIndex, JET_bitRetrieveFromPrimaryBookmark   hints; not together
 *            JET_bitRetrieveTag     sets pretinfo->itagSequence
 *            JET_bitRetrieveNull    counts NULLs among the values of a multi-valued column
 *            JET_bitRetrieveIgnoreDefault   NULL where the record has no value, instead of the default
 * pretinfo   which value, and from which byte of a long value; NULL: value 1, byte 0
 *
 * Warnings: JET_wrnColumnNull; JET_wrnBufferTruncated (pvData holds the first cbData bytes).
 * Errors: JET_errNoCurrentRecord, JET_errRecordDeleted; JET_errColumnNotFound, JET_errBadColumnId;
 * JET_errBadItagSequence (0); JET_errInvalidParameter (cbStruct of pretinfo); JET_errDecompressionFailed;
 * JET_errFeatureNotAvailable (a value kept in a way that is not supported: separate, compressed with an unknown
 * method); JET_errColumnNoEncryptionKey (an encrypted value).
 * Source: JetRetrieveColumn. */
JET_ERR JET_API JetRetrieveColumn(JET_SESID sesid, JET_TABLEID tableid, JET_COLUMNID columnid, void *pvData,
                                  uint32_t cbData, uint32_t *pcbActual, JET_GRBIT grbit, JET_RETINFO *pretinfo);

/* JetRetrieveColumn for several values of one record.
 *
 * pretrievecolumn  in and out: cbActual, columnidNextTagged and err of each; itagSequence 0 asks for the number of
 *                  values, which is returned in it. columnid 0: the number of all tagged values.
 * cretrievecolumn  how many
 *
 * Warnings: JET_wrnBufferTruncated (of any); other warnings, as JET_wrnColumnNull, only in err.
 * Errors: the first error.
 * Source: JetRetrieveColumns. */
JET_ERR JET_API JetRetrieveColumns(JET_SESID sesid, JET_TABLEID tableid, JET_RETRIEVECOLUMN *pretrievecolumn,
                                   uint32_t cretrievecolumn);

/* ---- moving ---- */

#define JET_bitNewKey 0x00000001
#define JET_bitStrLimit 0x00000002
#define JET_bitSubStrLimit 0x00000004
#define JET_bitNormalizedKey 0x00000008
#define JET_bitKeyDataZeroLength 0x00000010
#define JET_bitFullColumnStartLimit 0x00000100
#define JET_bitFullColumnEndLimit 0x00000200
#define JET_bitPartialColumnStartLimit 0x00000400
#define JET_bitPartialColumnEndLimit 0x00000800

/* Makes the cursor's search key, one column of the index after the other; JetSeek and JetSetIndexRange use it up.
 *
 * pvData  the value of the next key column, as for JetSetColumn; NULL with cbData 0: NULL
 * cbData  its bytes: exactly the type's size for fixed types
 * grbit   0, or
 *         JET_bitNewKey              begins a new key
 *         JET_bitKeyDataZeroLength   cbData 0 is a value of no bytes instead of NULL
 *         JET_bitNormalizedKey       pvData is a whole key (JetRetrieveKey, JetGetBookmark); other options are ignored
 *         One of the limits may close the key; what follows it matches anything:
 *         JET_bitFullColumnStartLimit, JET_bitFullColumnEndLimit   after this column: the first, the last such entry
 *         JET_bitPartialColumnStartLimit, JET_bitPartialColumnEndLimit   the same with this value as a prefix (text,
 *                                    variable binary)
 *         JET_bitStrLimit, JET_bitSubStrLimit   older spellings of the two end limits
 *
 * Errors: JET_errKeyIsMade (all columns are there, or a limit was set); JET_errKeyNotMade (no JET_bitNewKey for the
 * first column); JET_errNoCurrentIndex (the table has no primary index, and it is not JET_bitNormalizedKey);
 * JET_errInvalidBufferSize; JET_errInvalidGrbit (two limits; a partial limit for another type);
 * JET_errInvalidParameter (a key that is too long); JET_errFeatureNotAvailable (the index is sorted by rules that this
 * library does not have).
 * After a failure: with JET_bitNewKey or JET_bitNormalizedKey there is no key, else it is as before.
 * Source: JetMakeKey. */
JET_ERR JET_API JetMakeKey(JET_SESID sesid, JET_TABLEID tableid, const void *pvData, uint32_t cbData, JET_GRBIT grbit);

#define JET_bitSeekEQ 0x00000001
#define JET_bitSeekLT 0x00000002
#define JET_bitSeekLE 0x00000004
#define JET_bitSeekGE 0x00000008
#define JET_bitSeekGT 0x00000010
#define JET_bitSetIndexRange 0x00000020
#define JET_bitCheckUniqueness 0x00000040

/* Goes to a record by the search key.
 *
 * grbit  one of
 *        JET_bitSeekEQ   the first that is equal
 *        JET_bitSeekGE, JET_bitSeekGT   the first that is greater or equal, greater
 *        JET_bitSeekLE, JET_bitSeekLT   the last that is less or equal, less
 *        and with JET_bitSeekEQ: JET_bitSetIndexRange (JetSetIndexRange to the last that is equal),
 *        JET_bitCheckUniqueness (JET_wrnUniqueKey if it is the only one)
 *
 * Warnings: JET_wrnSeekNotEqual (GE and LE: the record found is not equal); JET_wrnUniqueKey.
 * Errors: JET_errKeyNotMade; JET_errRecordNotFound.
 * In every case the search key and an index range are gone, and an update that was prepared is cancelled. After
 * JET_errRecordNotFound the cursor is where the record would be: JetMove goes on from there. After another error it is
 * where it was.
 * Source: JetSeek. */
JET_ERR JET_API JetSeek(JET_SESID sesid, JET_TABLEID tableid, JET_GRBIT grbit);

#define JET_MoveFirst (0x80000000)
#define JET_MovePrevious (-1)
#define JET_MoveNext (+1)
#define JET_MoveLast (0x7fffffff)
#define JET_bitMoveKeyNE 0x00000001

/* Moves the cursor along its index.
 *
 * cRow   records to go, negative: back; JET_MoveFirst and JET_MoveLast go to the ends and drop an index range;
 *        JET_MoveNext, JET_MovePrevious; 0: stays, and tells whether a record is there
 * grbit  0, or JET_bitMoveKeyNE: counts different keys instead of records
 *
 * Errors: JET_errNoCurrentRecord (no such record, or the index range ends before it); JET_errRecordDeleted (cRow 0: the
 * record was deleted).
 * An update that was prepared is cancelled. After JET_errNoCurrentRecord the cursor is before the first or behind the
 * last record (of the range), and JetMove leads back.
 * Source: JetMove. */
JET_ERR JET_API JetMove(JET_SESID sesid, JET_TABLEID tableid, int32_t cRow, JET_GRBIT grbit);

#define JET_bitRangeInclusive 0x00000001
#define JET_bitRangeUpperLimit 0x00000002
#define JET_bitRangeInstantDuration 0x00000004
#define JET_bitRangeRemove 0x00000008

/* Limits JetMove to the records from the current one to the search key. The key is used up. Any way to move but JetMove
 * ends the range.
 *
 * tableidSrc  the cursor
 * grbit       0: going back, down to the key, exclusive; or
 *             JET_bitRangeUpperLimit       going forward, up to the key
 *             JET_bitRangeInclusive        the key is in the range
 *             JET_bitRangeInstantDuration  only tells whether there is a record in the range
 *             JET_bitRangeRemove           ends a range; the other options are ignored
 *
 * Errors: JET_errKeyNotMade; JET_errNoCurrentRecord (the range is empty); JET_errNoCurrentIndex (the table has no
 * primary index); JET_errInvalidOperation (JET_bitRangeRemove without a range).
 * After JET_errNoCurrentRecord the range is set; after another error there is none.
 * Source: JetSetIndexRange. */
JET_ERR JET_API JetSetIndexRange(JET_SESID sesid, JET_TABLEID tableidSrc, JET_GRBIT grbit);

/* Reads the key of the current record in the current index, or the search key. Keys of one index compare as bytes
 * (memcmp), and their contents are the engine's business.
 *
 * pvData     out: the key; may be NULL
 * cbMax      bytes at pvData
 * pcbActual  out: bytes of the key, also where it does not fit; may be NULL
 * grbit      0, or JET_bitRetrieveCopy: the search key
 *
 * Warnings: JET_wrnBufferTruncated (pvData holds the first cbMax bytes).
 * Errors: JET_errNoCurrentRecord; JET_errKeyNotMade (JET_bitRetrieveCopy).
 * Source: JetRetrieveKey.
 * Differs: JET_wrnBufferTruncated also with JET_bitRetrieveCopy. */
JET_ERR JET_API JetRetrieveKey(JET_SESID sesid, JET_TABLEID tableid, void *pvData, uint32_t cbMax, uint32_t *pcbActual,
                               JET_GRBIT grbit);

/* Reads the bookmark of the current record: its primary key, or a number if the table has no primary index. It belongs
 * to the record as long as that exists.
 *
 * pvBookmark  out; may be NULL
 * cbMax       bytes at pvBookmark; JET_paramKeyMost + 1 is enough
 * pcbActual   out: bytes of the bookmark, also where it does not fit; may be NULL
 *
 * Errors: JET_errNoCurrentRecord; JET_errBufferTooSmall (pvBookmark holds the first cbMax bytes, pcbActual is set).
 * Source: JetGetBookmark. */
JET_ERR JET_API JetGetBookmark(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbMax,
                               uint32_t *pcbActual);

/* Goes to the record of a bookmark.
 *
 * pvBookmark  from JetGetBookmark or JetUpdate, on the same table
 * cbBookmark  its bytes
 *
 * Errors: JET_errInvalidBookmark (NULL, no bytes or too many); JET_errRecordDeleted (there is no such record).
 * In every case the search key and an index range are gone, and an update that was prepared is cancelled. After a
 * failure the cursor is where it was.
 * Source: JetGotoBookmark. */
JET_ERR JET_API JetGotoBookmark(JET_SESID sesid, JET_TABLEID tableid, void *pvBookmark, uint32_t cbBookmark);

/* Opens another cursor on a cursor's table, with the same right to change it. Nothing else is taken over: it is on the
 * primary index, on the first record.
 *
 * ptableid  out
 * grbit     0
 *
 * Errors: JET_errOutOfCursors.
 * Source: JetDupCursor. */
JET_ERR JET_API JetDupCursor(JET_SESID sesid, JET_TABLEID tableid, JET_TABLEID *ptableid, JET_GRBIT grbit);

/* ---- backup and restore ---- */

#define JET_bitBackupIncremental 0x00000001
#define JET_bitKeepOldLogs 0x00000002
#define JET_bitBackupAtomic 0x00000004
#define JET_bitBackupFullWithAllLogs 0x00000008
#define JET_bitBackupSnapshot 0x00000010
#define JET_bitBackupSurrogate 0x00000020
#define JET_bitInternalCopy 0x00000040

#define JET_bitBackupEndNormal 0x0001
#define JET_bitBackupEndAbort 0x0002
#define JET_bitBackupTruncateDone 0x0100
#define JET_bitBackupNoDbHeaderUpdate 0x0200

/* Not in ESE: the manifest of the backup set also has the SHA-256 of each file that this backup copies and of itself.
 * With or without the others. docs/format-set.md says how to check them with other tools. */
#define JET_bitBackupSha256 0x40000000

/* Copies the databases of an instance and the log files that they need to a directory, while sessions go on. Every page
 * and log file is verified on the way. Then the headers of the databases note the backup, and log files that nobody
 * needs any more are deleted. A backup that succeeded contains everything committed before it began.
 *
 * instance      running
 * szBackupPath  directory; made if JET_paramCreatePathIfNotExist is set. NULL or "": copies nothing, only deletes the
 *               log files that neither recovery nor the next incremental backup of an attached database needs.
 * grbit         0: a full backup, into an empty directory
 *               JET_bitBackupAtomic: a full backup beside the one that is there, which it replaces only when it is
 *               complete: the set is in the subdirectory "new"
 *               JET_bitBackupIncremental: adds the log files since the last full or incremental backup to the set in
 *               the directory
 *               JET_bitBackupIncremental | JET_bitBackupAtomic: the same for a set that JET_bitBackupAtomic made
 * pfnStatus     progress; may be NULL. snp is JET_snpBackup.
 *
 * Errors: JET_errBackupInProgress; JET_errInvalidBackup (incremental with JET_paramCircularLog, or into a set of
 * another log); JET_errMissingFullBackup (incremental, and a database has had no full one); JET_errInvalidLogSequence
 * (incremental: log files are missing between the set and the log); JET_errInvalidPath, JET_errBackupDirectoryNotEmpty
 * (with JET_bitBackupAtomic: it is itself a set), JET_errMakeBackupDirectoryFail, JET_errDeleteBackupFileFail;
 * JET_errReadVerifyFailure (a damaged page: the event names it), JET_errLogReadVerifyFailure, JET_errLogFileCorrupt,
 * JET_errMissingFileToBackup; JET_errBackupAbortByServer (JetStopBackupInstance, JetTerm2 with JET_bitTermStopBackup);
 * JET_errLogWriteFail; JET_errDiskFull; an error of pfnStatus. JET_errInvalidParameter (no such instance),
 * JET_errBackupNotAllowedYet (it is starting), JET_errTermInProgress (it is about to end).
 * After a failure: the directory holds no set that looks complete (an atomic one holds the previous set, whole), no log
 * file was deleted and no header was changed.
 * Threads: sessions work on; databases cannot be attached or detached meanwhile (JET_errBackupInProgress).
 * Source: JetBackupInstance.
 * Differs: szBackupPath NULL works. Files and directories are synced to the disk before success. The set has a manifest
 * with the size and CRC of each file, without which it is not restored. Progress is reported for every kind of backup
 * and in between, in percent. */
JET_ERR JET_API JetBackupInstance(JET_INSTANCE instance, JET_PCSTR szBackupPath, JET_GRBIT grbit,
                                  JET_PFNSTATUS pfnStatus);

/* JetBackupInstance in single-instance mode.
 * Errors: JET_errRunningInMultiInstanceMode.
 * Source: JetBackup. */
JET_ERR JET_API JetBackup(JET_PCSTR szBackupPath, JET_GRBIT grbit, JET_PFNSTATUS pfnStatus);

/* ---- external backup: a client copies the files itself, with these calls only ----
 *
 *     JetBeginExternalBackupInstance
 *     JetGetAttachInfoInstance (full), and for each database
 *         JetOpenFileInstance, JetReadFileInstance until it gives nothing, JetCloseFileInstance
 *     JetGetLogInfoInstance, and for each log file the same three
 *     JetTruncateLogInstance, or not: then it is a copy or differential backup, and no incremental one builds on it
 *     JetEndExternalBackupInstance2
 *
 * What was read goes back with JetExternalRestore. An instance has one backup at a time, a backup one open file at a
 * time; calls for it are taken one by one, from whichever thread. A call out of order gives
 * JET_errInvalidBackupSequence and changes nothing. An error of a database leaves that database out, the backup goes
 * on; another error of the engine (a log file is damaged or missing, the log cannot be written) ends the backup: later
 * calls give JET_errNoBackup.
 *
 * Errors of each of these functions, besides its own: JET_errNoBackup (none was begun, or it has ended);
 * JET_errBackupAbortByServer (JetStopBackupInstance was called; JetCloseFileInstance goes on working);
 * JET_errInvalidParameter (no such instance); JET_errNotInitialized, JET_errBackupNotAllowedYet (it is starting),
 * JET_errRestoreInProgress, JET_errTermInProgress; JET_errClientRequestToStopJetService and JET_errInstanceUnavailable
 * (JetCloseFileInstance and the end of the backup go on working). */

/* Begins a backup: writes that to the log and the event log, and fixes the log generation that a restore begins with.
 *
 * grbit  0: full; JET_bitBackupIncremental: log files since the last full or incremental backup
 *
 * Errors: JET_errBackupInProgress; JET_errInvalidGrbit; JET_errInvalidBackup (incremental with JET_paramCircularLog);
 * JET_errMissingFullBackup (incremental, and a database has had no full one); JET_errLogWriteFail.
 * Source: JetBeginExternalBackupInstance. */
JET_ERR JET_API JetBeginExternalBackupInstance(JET_INSTANCE instance, JET_GRBIT grbit);

/* The databases that a full backup must copy: paths, each ended by a NUL, one more NUL behind the last.
 *
 * szz        out; may be NULL. What does not fit into cbMax bytes is left out, without an error.
 * pcbActual  out; bytes of the whole list; may be NULL
 *
 * Errors: JET_errInvalidBackupSequence (not a full backup).
 * Source: JetGetAttachInfoInstance. */
JET_ERR JET_API JetGetAttachInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

/* Opens a database or, after JetGetLogInfoInstance, a log file. A database is read with two header pages that say that
 * it is a copy, and one page behind its last that says how far the log is needed: its size is what this call says, not
 * that of the file.
 *
 * szFileName               of the lists of JetGetAttachInfoInstance and JetGetLogInfoInstance; may be relative
 * phfFile                  out
 * pulFileSizeLow, ...High  out; bytes
 *
 * Errors: JET_errInvalidParameter (an argument is NULL, the name empty); JET_errInvalidPath;
 * JET_errInvalidBackupSequence (a database after the log files have begun, or in an incremental backup; a log file
 * before that); JET_errOutOfMemory (a file is open already); JET_errDatabaseNotFound (not a database of the instance);
 * JET_errMissingFileToBackup (the log file is gone, or none of the backup's); JET_errLogReadVerifyFailure (it is
 * damaged; the event names the place).
 * Source: JetOpenFileInstance.
 * Differs: opens nothing but the files of the backup. A log file is verified here, whole, and not while it is read. */
JET_ERR JET_API JetOpenFileInstance(JET_INSTANCE instance, JET_PCSTR szFileName, JET_HANDLE *phfFile,
                                    uint32_t *pulFileSizeLow, uint32_t *pulFileSizeHigh);

/* The next bytes of the file, verified. A page with one flipped bit is handed out corrected, and is corrected in the
 * database too.
 *
 * pv   aligned to 4096 bytes
 * cb   a multiple of the database page size; of 4096 for a log file
 * pcb  out; bytes; 0: the end. May be NULL.
 *
 * Errors: JET_errInvalidParameter (pv or cb; hfFile is not open); JET_errReadVerifyFailure,
 * JET_errReadPgnoVerifyFailure, JET_errReadLostFlushVerifyFailure, JET_errDatabaseCorrupted, JET_errDiskIO (a page is
 * damaged: the event names it; the file is closed, the database does not belong to the backup). Source:
 * JetReadFileInstance. */
JET_ERR JET_API JetReadFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile, void *pv, uint32_t cb, uint32_t *pcb);

/* Closes the file. One that was not read to its end does not count as copied.
 *
 * Errors: JET_errInvalidParameter (hfFile is not open).
 * Source: JetCloseFileInstance. */
JET_ERR JET_API JetCloseFileInstance(JET_INSTANCE instance, JET_HANDLE hfFile);

/* Ends the current log generation, and lists the log files that belong to the backup, as JetGetAttachInfoInstance does.
 * From here on databases cannot be opened. A second call gives the same list.
 *
 * Errors: JET_errInvalidBackupSequence (a file is open); JET_errMissingFileToBackup (log files since the last backup
 * are gone); JET_errLogWriteFail, JET_errLogDiskFull. Source: JetGetLogInfoInstance. */
JET_ERR JET_API JetGetLogInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

/* The same, and says which generations they are.
 *
 * pLogInfo  in, out; cbSize is set by the caller; may be NULL
 *
 * Errors: also JET_errInvalidParameter (cbSize).
 * Source: JetGetLogInfoInstance2. */
JET_ERR JET_API JetGetLogInfoInstance2(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual,
                                       JET_LOGINFO *pLogInfo);

/* As JetGetLogInfoInstance, but lists the log files that JetTruncateLogInstance would delete.
 *
 * Source: JetGetTruncateLogInfoInstance. */
JET_ERR JET_API JetGetTruncateLogInfoInstance(JET_INSTANCE instance, JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);

/* Deletes the log files that neither recovery nor the next incremental backup needs, oldest first. This counts on the
 * backup that is under way: what was copied must be durable, and the backup must end normally. After
 * JET_bitBackupEndAbort or JetStopBackupInstance the headers do not note it, and an incremental backup that would build
 * on the one before misses log files: JET_errMissingFileToBackup, and JET_errInvalidLogSequence from JetBackupInstance.
 * A full one is due then.
 *
 * Errors: JET_errInvalidBackupSequence (before JetGetLogInfoInstance, or a file is open); JET_errLogFileNotCopied (not
 * every log file of the backup was read to its end).
 * Source: JetTruncateLogInstance. */
JET_ERR JET_API JetTruncateLogInstance(JET_INSTANCE instance);

/* Ends the backup. If it ends normally, the headers of the databases that were copied note it: as full or incremental
 * backup if the log was truncated, else as copy or differential one (JET_DBINFOMISC4).
 *
 * grbit  JET_bitBackupEndNormal: all was copied
 *        JET_bitBackupEndAbort: give up; nothing is noted
 *        with JET_bitBackupEndNormal: JET_bitBackupTruncateDone: note it as if the log had been truncated;
 *        JET_bitBackupNoDbHeaderUpdate: note nothing
 *
 * Errors: JET_errInvalidParameter (grbit; the backup goes on); JET_errInvalidBackupSequence
 * (JET_bitBackupEndNormal, and not every log file was read to its end) and JET_errBackupAbortByServer: the backup has
 * ended, nothing is noted.
 * Source: JetEndExternalBackupInstance2.
 * Differs: a normal end of what is incomplete is an error. */
JET_ERR JET_API JetEndExternalBackupInstance2(JET_INSTANCE instance, JET_GRBIT grbit);

/* JetEndExternalBackupInstance2 with JET_bitBackupEndNormal.
 *
 * Source: JetEndExternalBackupInstance. */
JET_ERR JET_API JetEndExternalBackupInstance(JET_INSTANCE instance);

/* Makes the backup that is under way fail, also one that has been called for and has not begun: its next step gives
 * JET_errBackupAbortByServer. An external one is ended by its client, or by JetTerm2 with JET_bitTermStopBackup.
 * Without a backup nothing happens.
 *
 * Errors: JET_errInvalidParameter (not a running instance).
 * Threads: from any, also from a status callback.
 * Source: JetStopBackupInstance. */
JET_ERR JET_API JetStopBackupInstance(JET_INSTANCE instance);

/* The same in single-instance mode.
 * Errors: JET_errRunningInMultiInstanceMode.
 * Source: JetBeginExternalBackup and the others. */
JET_ERR JET_API JetBeginExternalBackup(JET_GRBIT grbit);
JET_ERR JET_API JetGetAttachInfo(JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);
JET_ERR JET_API JetOpenFile(JET_PCSTR szFileName, JET_HANDLE *phfFile, uint32_t *pulFileSizeLow,
                            uint32_t *pulFileSizeHigh);
JET_ERR JET_API JetReadFile(JET_HANDLE hfFile, void *pv, uint32_t cb, uint32_t *pcb);
JET_ERR JET_API JetCloseFile(JET_HANDLE hfFile);
JET_ERR JET_API JetGetLogInfo(JET_PSTR szz, uint32_t cbMax, uint32_t *pcbActual);
JET_ERR JET_API JetTruncateLog(void);
JET_ERR JET_API JetEndExternalBackup(void);
JET_ERR JET_API JetStopBackup(void);

/* ---- restore ---- */

/* Restores the databases of a backup and brings them up to date: with the set's log files, then with those in the
 * instance's own log directory where they follow without a gap. Nothing committed is lost then. JetInit and
 * JetAttachDatabase make them usable.
 *
 * instance  made, with its parameters set, and not running
 * sz        the directory given to JetBackupInstance; of an atomic one the newest complete set is taken
 * szDest    directory for the databases; NULL: JET_paramAlternateDatabaseRecoveryPath, or without that where they were.
 *           Made if JET_paramCreatePathIfNotExist is set. Files of the same name are replaced.
 * pfn       progress; may be NULL. snp is JET_snpRestore.
 *
 * Errors: JET_errAfterInitialization (the instance runs); JET_errInvalidPath (also: a database would go into the set's
 * own directory, or over a file of it), JET_errFileNotFound (no set in sz, or a database of it is missing);
 * JET_errInvalidBackup (its manifest), JET_errMissingRestoreLogFiles, JET_errLogReadVerifyFailure,
 * JET_errLogCorruptDuringHardRestore, JET_errBadBackupDatabaseSize, JET_errReadVerifyFailure (the set is incomplete or
 * damaged); JET_errLogCorruptDuringHardRecovery (the same of the instance's own log);
 * JET_errGivenLogFileHasBadSignature, JET_errGivenLogFileIsNotContiguous, JET_errStartingRestoreLogTooHigh,
 * JET_errEndingRestoreLogTooLow, JET_errRestoreOfNonBackupDatabase, JET_errBadPatchPage,
 * JET_errDatabasePatchFileMismatch (its files do not belong together); JET_errExistingLogFileHasBadSignature,
 * JET_errExistingLogFileIsNotContiguous, JET_errMissingCurrentLogFiles (the instance's log does not follow the set's:
 * the first always, the others unless JET_paramDeleteOutOfRangeLogs is set, which deletes such log files);
 * JET_errAttachedDatabaseMismatch; JET_errPageSizeMismatch; JET_errFileAccessDenied (somebody has a database open);
 * JET_errSystemPathInUse, JET_errLogFilePathInUse, JET_errInvalidSystemPath, JET_errInvalidLogDirectory;
 * JET_errDiskFull; an error of pfn. After a failure: the instance is not running. Databases in szDest may be there in
 * part, and cannot be attached; calling again starts over and ends in the same state as if nothing had happened.
 * Threads: nothing else is done with the instance meanwhile (JET_errRestoreInProgress).
 * Source: JetRestoreInstance.
 * Differs: instance may not be NULL. The whole set is verified before anything is written. */
JET_ERR JET_API JetRestoreInstance(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn);

/* JetRestoreInstance for an engine without instances: with the parameters that are set for the engine.
 *
 * Errors: JET_errRunningInMultiInstanceMode (there is an instance); those of JetRestoreInstance.
 * Source: JetRestore, JetRestore2. */
JET_ERR JET_API JetRestore(JET_PCSTR sz, JET_PFNSTATUS pfn);
JET_ERR JET_API JetRestore2(JET_PCSTR sz, JET_PCSTR szDest, JET_PFNSTATUS pfn);

/* Restores databases that an external backup handed out and its client has put in their places, with all their pages
 * and the trailer behind them: redo through the backup's log files, on through those in szLogPath where they follow
 * without a gap, undo. Works without an instance, with the parameters that are set for the engine; the databases can
 * be attached to any instance afterwards. Other databases of the log are left alone.
 *
 * szCheckpointFilePath  directory for the checkpoint file
 * szLogPath             directory for the log that undo writes, and of later log files; it may be szBackupLogPath
 * rgrstmap              which databases: szNewDatabaseName is where the file is. szDatabaseName may be NULL: a database
 *                       is known by its signature.
 * crstfilemap           entries, 1..14
 * szBackupLogPath       directory of the backup's log files
 * genLow, genHigh       which of them; 0: the lowest, the highest that is there. Others there do not count.
 * pfn                   progress; may be NULL. snp is JET_snpRestore.
 *
 * Errors: JET_errInvalidPath (a directory is missing; JET_paramCreatePathIfNotExist makes the first two);
 * JET_errFileNotFound (a database, or any log file, is missing); JET_errDatabaseCorrupted (a file has no header),
 * JET_errBadBackupDatabaseSize, JET_errBadPatchPage (no trailer), JET_errDatabasePatchFileMismatch (that of another
 * copy); JET_errRestoreOfNonBackupDatabase (a database that is no backup copy, or is restored already);
 * JET_errStartingRestoreLogTooHigh, JET_errEndingRestoreLogTooLow (a database needs log files below genLow, above
 * genHigh); JET_errDatabaseInvalidName, JET_errDatabaseSignInUse (the map); and of the log files the errors of
 * JetRestoreInstance.
 * After a failure: databases cannot be attached. The same call, with the files copied again or as they are, goes on;
 * JET_errRestoreOfNonBackupDatabase then says that a database has been finished before.
 * Source: JetExternalRestore.
 * Differs: JET_errStartingRestoreLogTooHigh and JET_errEndingRestoreLogTooLow tell what databases need, not what else
 * lies in szBackupLogPath. Names of log files begin with "edb". */
JET_ERR JET_API JetExternalRestore(JET_PSTR szCheckpointFilePath, JET_PSTR szLogPath, JET_RSTMAP *rgrstmap,
                                   int32_t crstfilemap, JET_PSTR szBackupLogPath, int32_t genLow, int32_t genHigh,
                                   JET_PFNSTATUS pfn);

/* JetExternalRestore of log files with another name.
 *
 * pLogInfo                        generations, as genLow and genHigh, and the first three characters of their names
 * szTargetInstanceName            NULL, or an instance of this process whose log goes on from the backup's
 * szTargetInstanceLogPath, szTargetInstanceCheckpointPath   NULL, or its directories, instead of its name. If it runs,
 *                                 its log is rolled, and the log files behind the backup's are copied to szLogPath and
 *                                 replayed, unless its logging is circular. If not, these are szLogPath and
 *                                 szCheckpointFilePath.
 *
 * JET_wrnTargetInstanceRunning: done, and with the log of an instance that runs, up to the moment of the call. The
 * databases can take the place of those it has.
 * Errors: JET_errInvalidParameter also if only one of the two target paths is given, or both them and the name;
 * JET_errBadRestoreTargetInstance (no such instance runs, or its log files have another name);
 * JET_errExistingLogFileHasBadSignature (its log is not that of the backup); JET_errExistingLogFileIsNotContiguous
 * (szLogPath has log files behind those of the backup); JET_errMissingCurrentLogFiles (the target's begin too late).
 * Source: JetExternalRestore2. */
JET_ERR JET_API JetExternalRestore2(JET_PSTR szCheckpointFilePath, JET_PSTR szLogPath, JET_RSTMAP *rgrstmap,
                                    int32_t crstfilemap, JET_PSTR szBackupLogPath, JET_LOGINFO *pLogInfo,
                                    JET_PSTR szTargetInstanceName, JET_PSTR szTargetInstanceLogPath,
                                    JET_PSTR szTargetInstanceCheckpointPath, JET_PFNSTATUS pfn);

/* ---- what ESE does not have ---- */

#define JET_EventError 1
#define JET_EventWarning 2
#define JET_EventInformation 3

/* An event: what ESE writes to the event log of Windows. docs/events.md lists them. Valid during the call. */
typedef struct {
    uint32_t cbStruct;
    uint32_t idEvent;         /* ESE's number: 213 is the end of a backup */
    uint32_t severity;        /* JET_Event... */
    JET_INSTANCE instance;    /* its handle, and the name that JetCreateInstance(2) was given */
    JET_PCSTR szInstanceName; /* "": none */
    JET_PCSTR szText;         /* one line in English: files with their paths, sizes, log generations, errors */
} JET_EVENTINFO;

/* Called for each event that JET_paramEventLoggingLevel and JET_paramNoInformationEvent let through, after syslog. */
typedef void(JET_API *JET_PFNEVENT)(const JET_EVENTINFO *pevent, void *pvContext);

/* Sets who hears of an instance's events, from JetInit or JetRestoreInstance until JetTerm has returned.
 *
 * instance   made and not running; 0 or JET_instanceNil: the engine, that is, the default of instances made later (and
 *            of the one in single-instance mode)
 * pfnEvent   NULL: nobody
 * pvContext  handed on to it
 *
 * Errors: JET_errAlreadyInitialized (the instance runs).
 * Threads: unlike other callbacks this one is called where things happen: on any thread that is in a call with the
 * instance, or on one of the engine's own, at the same time on several, and with locks held. It must return soon, and
 * not wait for a thread that is in a call. Of the API it may only use what needs no running instance; a function that
 * would work in one gets JET_errInvalidOperation, or the error that it gets there anyway, such as
 * JET_errTermInProgress. A program that wants to act on an event tells another thread.
 * Source: none; ESE writes to the event log only. */
JET_ERR JET_API JetSetEventCallback(JET_INSTANCE instance, JET_PFNEVENT pfnEvent, void *pvContext);

/* JetRestoreInstance with names for the databases, and to an earlier moment.
 *
 * prstinfo  NULL: as JetRestoreInstance. Else with cbStruct set, and
 *           rgrstmap, crstmap  szDatabaseName (where a database was) goes to szNewDatabaseName; the others as szDest
 *                              says
 *           lgposStop          lGeneration: the last log generation to replay, of the set or of the instance; the
 *                              databases come to the state of the last commit that ended in it, and the log goes on
 *                              from there with the next generation. isec and ib are 0. All zero: to the end.
 *                              The instance's log files behind it must not be there, unless nothing was committed in
 *                              them, or JET_paramDeleteOutOfRangeLogs is set: then they are deleted once it is known
 *                              that the databases can be restored without them.
 *           logtimeStop        not unset: of the log generations those that had been created by then (UTC). With a
 *                              lGeneration: whichever is the earlier.
 *           pfnStatus          progress; may be NULL. snp is JET_snpRestore.
 * grbit     0
 *
 * Errors: those of JetRestoreInstance, of which JET_errEndingRestoreLogTooLow (a database's pages are newer than
 * what was asked for), JET_errMissingCurrentLogFiles (there is no such generation),
 * JET_errExistingLogFileIsNotContiguous (log files behind it); JET_errDatabaseNotFound (the map names a database that
 * is not in the set), JET_errDatabaseInvalidName (an entry with one name only); JET_errInvalidParameter also for a
 * wrong cbStruct, two entries with one path, isec or ib, a logtimeStop that is no time. After a failure: as
 * JetRestoreInstance. */
JET_ERR JET_API JetRestoreInstance2(JET_INSTANCE instance, JET_PCSTR sz, JET_PCSTR szDest, const JET_RSTINFO *prstinfo,
                                    JET_GRBIT grbit);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
