/* SPDX-License-Identifier: Apache-2.0 */
/* Every ceiling in the program, with its name. Each has a test that reaches it.
 *
 * Sizes in bytes, times in milliseconds (_MS), the rest are counts. Those that a user may change are the
 * defaults of an option, which says so.
 */
#pragma once

#define TPH_KIB(n) ((size_t)(n)*1024)
#define TPH_MIB(n) ((size_t)(n)*1024 * 1024)

/* data: texts from outside */
#define TPH_LIMIT_MANIFEST         TPH_MIB(16) /* one manifest file */
#define TPH_LIMIT_DOCUMENT         TPH_MIB(64) /* one JSON text that we write or read from a store */
#define TPH_LIMIT_PACKED           TPH_MIB(1) /* of a Workflow above it nodes are compressed; it must not have more then */
#define TPH_LIMIT_JSON_DEPTH       1000       /* nested arrays and objects; Go stops at 10,000 */
#define TPH_LIMIT_YAML_DEPTH       1000
#define TPH_LIMIT_YAML_NODES       1000000      /* values after aliases are expanded */
#define TPH_LIMIT_YAML_ALIAS_NODES 100000       /* values that come from aliases: stops a billion laughs */
#define TPH_LIMIT_LABEL_SELECTOR   TPH_KIB(64)  /* a label selector */
#define TPH_LIMIT_QUANTITY         100          /* bytes of one quantity ("64Mi") */
#define TPH_LIMIT_ZONE             TPH_KIB(256) /* one compiled time zone */
#define TPH_LIMIT_DECIMAL          20000        /* digits of an exact decimal number */
#define TPH_LIMIT_FIELD_SELECTOR   TPH_KIB(64)  /* one field selector */
#define TPH_LIMIT_CRON             TPH_KIB(4)   /* one schedule */

/* JSON patches: the first and the last are those of Kubernetes' API server */
#define TPH_LIMIT_PATCH_OPERATIONS 10000
#define TPH_LIMIT_PATCH_STEPS      50000000   /* members and elements that all of its operations pass */
#define TPH_LIMIT_PATCH_COPIES     TPH_MIB(3) /* bytes that its copy operations add */

/* regular expressions */
#define TPH_LIMIT_REGEX        TPH_KIB(16) /* the pattern */
#define TPH_LIMIT_REGEX_GROUPS 64          /* the whole match and its groups */
#define TPH_LIMIT_REGEX_DEPTH  200         /* groups in each other */
#define TPH_LIMIT_REGEX_STEPS  1000000     /* of one match: a second at most */
#define TPH_LIMIT_REGEX_HEAP   TPH_MIB(32) /* of one match */

/* JSONPath */
#define TPH_LIMIT_JSONPATH        TPH_KIB(4) /* the path */
#define TPH_LIMIT_JSONPATH_STEPS  1000000    /* values that one query looks at */
#define TPH_LIMIT_JSONPATH_VALUES 200000     /* in its result */
#define TPH_LIMIT_JSONPATH_DEPTH  200        /* operators in each other */

/* conditions (`when`) */
#define TPH_LIMIT_WHEN          TPH_KIB(64) /* the text */
#define TPH_LIMIT_WHEN_TOKENS   4096        /* words and symbols */
#define TPH_LIMIT_WHEN_DEPTH    200         /* parentheses in each other */
#define TPH_LIMIT_WHEN_PATTERNS 32          /* regular expressions */
#define TPH_LIMIT_WHEN_MEMORY   TPH_MIB(16) /* all that it makes */

/* expressions */
#define TPH_LIMIT_EXPR         TPH_KIB(64) /* the text */
#define TPH_LIMIT_EXPR_DEPTH   1000        /* parts in each other */
#define TPH_LIMIT_EXPR_NODES   10000       /* parts; the library's own ceiling */
#define TPH_LIMIT_EXPR_STEPS   5000000     /* of one evaluation: a second at most */
#define TPH_LIMIT_EXPR_BUDGET  1000000     /* elements that lists, maps and repeat make; the library's own ceiling */
#define TPH_LIMIT_EXPR_MEMORY  TPH_MIB(64) /* of one evaluation, and of what an expression is compiled to */
#define TPH_LIMIT_EXPR_KEPT    TPH_KIB(4)  /* the text of one that stays compiled for the next time */
#define TPH_LIMIT_EXPRS_KEPT   256         /* of those, a workflow */
#define TPH_LIMIT_EXPR_MESSAGE TPH_KIB(64) /* an error's text; longer ones are cut */

/* plugins: what a peer may send us (design: 4 MiB reply, 1 MiB parameter, 4 KiB of error body) */
#define TPH_LIMIT_REPLY        TPH_MIB(4)
#define TPH_LIMIT_PARAMETER    TPH_MIB(1)
#define TPH_LIMIT_ERROR_BODY   TPH_KIB(4)
#define TPH_LIMIT_HTTP_HEADER  TPH_KIB(64) /* start line and header fields together */
#define TPH_LIMIT_HTTP_HEADERS 128         /* header fields of one message */
#define TPH_LIMIT_HTTP_REQUEST TPH_MIB(16) /* body that our server takes */
#define TPH_LIMIT_HTTP_KEPT    TPH_KIB(16) /* a buffer larger than this is not kept for the next message */
#define TPH_LIMIT_HTTP_SPARE   256         /* calls, exchanges, connections that are kept for the next */

#define TPH_LIMIT_HTTP_CONNECT_MS      20  /* before connecting once more, doubling up to the next: a full queue */
#define TPH_LIMIT_HTTP_CONNECT_LAST_MS 320 /* of a server drops who comes, and the kernel tries again after 1 s */
#define TPH_LIMIT_HTTP_CHECK_MS        512 /* about half of the time in which it has to show who accepted a connection */
#define TPH_LIMIT_HTTP_REUSE_MS        100 /* a connection is not kept beyond this while others wait longer */

/* our HTTP server: defaults of its configuration */
#define TPH_LIMIT_HTTP_CONNECTIONS 4096
#define TPH_LIMIT_HTTP_EACH        3072         /* connections of one address that is not our own machine */
#define TPH_LIMIT_HTTP_QUEUE       TPH_MIB(1)   /* waiting for one slow reader of a stream */
#define TPH_LIMIT_HTTP_PIPELINED   TPH_KIB(64)  /* read ahead of the answer to the request before */
#define TPH_LIMIT_HTTP_BODIES      TPH_MIB(256) /* of all requests that are being read or answered */
#define TPH_LIMIT_HTTP_HEAD_MS     10000        /* from the first byte to the end of the head */
#define TPH_LIMIT_HTTP_BODY_MS     60000        /* from there to the end of the body */
#define TPH_LIMIT_HTTP_IDLE_MS     120000       /* between two requests of a connection */
#define TPH_LIMIT_HTTP_STALL_MS    30000        /* a reader that takes nothing */
#define TPH_LIMIT_HTTP_LINGER_MS   2000         /* what is still being sent after an early answer is read and dropped */

/* requests to the world */
#define TPH_LIMIT_FETCHES          512   /* under way at a time */
#define TPH_LIMIT_FETCH_KEPT       64    /* connections that are kept for the next */
#define TPH_LIMIT_FETCH_REDIRECTS  10    /* of one request, as in Go */
#define TPH_LIMIT_FETCH_MS         30000 /* of an http template without timeoutSeconds, as Argo documents it */
#define TPH_LIMIT_FETCH_S          86400 /* the longest timeoutSeconds: a day */
#define TPH_LIMIT_FETCH_CONNECT_MS 30000 /* until a server has accepted, and shown its certificate */
#define TPH_LIMIT_FETCH_ALIVE_MS   15000 /* of silence, before the kernel asks whether the peer of a stream is there */

/* as a client of a Kubernetes API server */
#define TPH_LIMIT_KUBECONFIG         TPH_MIB(4) /* one kubeconfig; a certificate or key that it names */
#define TPH_LIMIT_KUBE_TRIES         10         /* again after 429, and 5xx with Retry-After */
#define TPH_LIMIT_KUBE_RETRY_AFTER_S 60         /* the longest Retry-After that is waited for */
#define TPH_LIMIT_KUBE_BROKEN_MS     1000       /* before a GET whose connection broke is asked again */
#define TPH_LIMIT_KUBE_TOKEN_MS      50000      /* a token's file is read again after it, as in client-go */
#define TPH_LIMIT_KUBE_EXEC          TPH_MIB(1) /* what a program that gives credentials prints */
#define TPH_LIMIT_KUBE_EXEC_MS       60000      /* and how long it may take */
#define TPH_LIMIT_KUBE_REQUEST_MS    60000      /* one request of a verb, by default */
#define TPH_LIMIT_KUBE_PAGE          500        /* objects asked for in one page of a list */
#define TPH_LIMIT_KUBE_WATCH_S       300        /* a watch is asked for so long, up to twice so long, */
#define TPH_LIMIT_KUBE_GRACE_MS      30000      /* and is dead when it is not over by then */
#define TPH_LIMIT_KUBE_PAUSE_MS      100        /* before a watch that broke is begun again; doubles */
#define TPH_LIMIT_KUBE_PAUSE_LAST_MS 5000       /* up to this */
#define TPH_LIMIT_KUBE_SHORT_MS      1000 /* a watch that ends sooner without an event is begun again with a pause */
#define TPH_LIMIT_KUBE_EVENT         TPH_MIB(64) /* one event of a watch */

/* verbs that look at a server */
#define TPH_LIMIT_FOLLOW_LOST_MS 600000 /* a server that went away is waited for */
#define TPH_LIMIT_LOG_DRAIN_MS   500    /* of silence, after a workflow's end, until its logs are over */

/* calling plugins */
#define TPH_LIMIT_CALL_TRIES          5
#define TPH_LIMIT_CALL_PAUSE_MS       1000 /* first pause; doubles: 1, 2, 4, 8 s */
#define TPH_LIMIT_CALL_JITTER_PERCENT 20
#define TPH_LIMIT_CALL_TIMEOUT_MS     30000
#define TPH_LIMIT_CALLS_IN_FLIGHT     64     /* to one plugin */
#define TPH_LIMIT_CALLS_CLOSING       16     /* to one that closes each connection, where acceptance cannot be seen */
#define TPH_LIMIT_CANCEL_TIMEOUT_MS   5000   /* for template.cancel */
#define TPH_LIMIT_ACCEPT_LOOK_MS      64     /* longest pause between two looks whether it accepted the last call */
#define TPH_LIMIT_PROBE_FIRST_MS      1      /* pause before asking again whether a sidecar listens, */
#define TPH_LIMIT_PROBE_LAST_MS       100    /* growing with the time waited so far up to this */
#define TPH_LIMIT_POLL_MS             10000  /* next call of a Running reply without requeue */
#define TPH_LIMIT_REQUEUE_MIN_MS      10     /* a plugin that asks for 0 does not spin us */
#define TPH_LIMIT_IDLE_MS             300000 /* a sidecar is kept when no workflow needs it */
#define TPH_LIMIT_READY_MS            60000  /* a sidecar may take this long to listen */
#define TPH_LIMIT_READY_EXITS         3      /* or exit this often before it listens */

/* files that are watched */
#define TPH_LIMIT_SETTLE_MS      50   /* quiet after a change before it is told */
#define TPH_LIMIT_SETTLE_LAST_MS 1000 /* told by then, quiet or not */

/* sidecars */
#define TPH_LIMIT_LOG_LINE           TPH_KIB(64)         /* longer lines are split */
#define TPH_LIMIT_LOG_WAITING        TPH_KIB(256)        /* of our own log, for a reader who is slow */
#define TPH_LIMIT_LOG_FILE           TPH_MIB(10)         /* two of them a sidecar */
#define TPH_LIMIT_LOG_TAIL           50                  /* last lines kept in memory for messages */
#define TPH_LIMIT_LOG_KEPT_MS        (24 * 3600 * 1000L) /* on the server, after the sidecar's end */
#define TPH_LIMIT_LOG_SWEEP_MS       (3600 * 1000L)
#define TPH_LIMIT_LOG_TURN           TPH_KIB(256)       /* read from one sidecar's output in one turn of the loop */
#define TPH_LIMIT_ARGUMENT           (TPH_KIB(128) - 1) /* one argument or NAME=value: the kernel's MAX_ARG_STRLEN */
#define TPH_LIMIT_ARGUMENTS          TPH_MIB(1)         /* all of a container's, and its environment, together */
#define TPH_LIMIT_TOKEN_LEN          32
#define TPH_LIMIT_TOKEN_DIR          TPH_KIB(16)   /* /var/run/argo */
#define TPH_LIMIT_EMPTY_DIR          TPH_MIB(256)  /* an emptyDir without sizeLimit */
#define TPH_LIMIT_OBJECT_FILES       TPH_MIB(4)    /* all files of Secrets and ConfigMaps of one container */
#define TPH_LIMIT_RESTART_BASE_MS    10000         /* first pause before a restart, by default; doubles */
#define TPH_LIMIT_RESTART_PAUSE_MS   300000        /* the longest one */
#define TPH_LIMIT_RESTART_HEALTHY_MS 600000        /* who ran this long begins at the first pause again */
#define TPH_LIMIT_GRACE_MS           30000         /* terminationGracePeriod by default */
#define TPH_LIMIT_GRACE_S            86400         /* the longest, a day, in seconds */
#define TPH_LIMIT_SIDECAR_PIDS       1024          /* processes and threads of one sidecar */
#define TPH_LIMIT_DATA_FACTOR        4             /* times the memory limit, where only a process can be limited */
#define TPH_LIMIT_DATA_LEAST         TPH_MIB(1024) /* but at least so much: it counts what is reserved, too */
#define TPH_LIMIT_SUBIDS             TPH_MIB(1)    /* of /etc/subuid that are read; a longer one counts as empty */
#define TPH_LIMIT_CONTAINERS         32            /* in one pod */
#define TPH_LIMIT_IMAGES             10000         /* entries of images.yaml */
#define TPH_LIMIT_PLUGINS            1024

/* lint */
#define TPH_LIMIT_LINT_DEPTH       200 /* templates that call each other */
#define TPH_LIMIT_LINT_DIRECTORIES 100 /* directories in each other */
#define TPH_LIMIT_LINT_PROBLEMS    500 /* told of one object */
#define TPH_LIMIT_LINT_NEAR        500 /* names among which one is looked for that is near */
#define TPH_LIMIT_LINT_HINTS       50  /* names looked for that are near one which is none, in one object */

/* printing */
#define TPH_LIMIT_TREE_DEPTH 1000 /* levels of a tree of nodes: three for each nested template */

/* the engine */
#define TPH_LIMIT_TEMPLATE_DEPTH 100     /* nested templates, as Argo */
#define TPH_LIMIT_DEPENDS_DEPTH  200     /* operators and parentheses of a task's depends in each other */
#define TPH_LIMIT_NODES          1000000 /* in one workflow */
#define TPH_LIMIT_RUN_BYTES      ((size_t)2048 * 1024 * 1024) /* nodes of one workflow in memory, names and values */
#define TPH_LIMIT_ITEMS          200000                       /* one loop */
#define TPH_LIMIT_WALL_LOOK_MS   60000 /* the wall clock is looked at this often while a deadline is waited for */
#define TPH_LIMIT_WORKFLOWS      10000 /* in one `run` */

/* access to the server */
#define TPH_LIMIT_ACCESS_FILE    TPH_MIB(4) /* the token file; a certificate, a kubeconfig */
#define TPH_LIMIT_ACCESS_USERS   10000      /* in the token file; twice as many are known with service accounts */
#define TPH_LIMIT_ACCESS_NAME    253        /* bytes of a user's name */
#define TPH_LIMIT_ACCESS_ROLES   64         /* of one user; audiences of one token */
#define TPH_LIMIT_ACCOUNT_S      31536000   /* a year: the longest life of a service account's token */
#define TPH_LIMIT_RATE           400        /* requests a second of one user, by default; twice as many at once */
#define TPH_LIMIT_RATE_STRANGERS 20         /* a second from one address without credentials, or with wrong ones */
#define TPH_LIMIT_RATE_CLIENTS   1024       /* before those that are quiet are forgotten */

/* health */
#define TPH_LIMIT_HEALTH_CHECKS 16 /* that one program has */

/* metrics */
#define TPH_LIMIT_METRIC_SERIES 2000       /* of one family; the rest is counted together */
#define TPH_LIMIT_METRIC_LABELS TPH_KIB(4) /* the text of one series' labels */

/* our API server */
#define TPH_LIMIT_PROTOBUF_VALUES 200000       /* in one request body in protobuf */
#define TPH_LIMIT_MANAGERS        10           /* that update an object and are told apart, as Kubernetes */
#define TPH_LIMIT_LAST_APPLIED    TPH_KIB(256) /* of kubectl's annotation, as Kubernetes' for all annotations */

/* the durable controller */
#define TPH_LIMIT_EVENT_MS        3600000 /* an Event is kept so long, as in Kubernetes */
#define TPH_LIMIT_EVENTS          100000  /* kept at most: the oldest go first */
#define TPH_LIMIT_CONTROLLER_PAGE 500     /* workflows that are read in one turn of the loop, at the start */
#define TPH_LIMIT_PROGRESS_MS     1000    /* progress alone is written so late */
#define TPH_LIMIT_COMMIT_PAUSE_MS 100     /* before a write that failed is tried again; doubles up to 64 times */

/* the store */
#define TPH_LIMIT_STORE_KEY       TPH_KIB(1)   /* resource, namespace and name of one object together */
#define TPH_LIMIT_STORE_MEMBER    TPH_KIB(4)   /* the name of a member that is kept as a part */
#define TPH_LIMIT_STORE_CHANGES   10000        /* in one write */
#define TPH_LIMIT_STORE_PARTS     1000000      /* members in one change: all nodes of a workflow */
#define TPH_LIMIT_STORE_QUEUE     TPH_MIB(256) /* of all writes that wait */
#define TPH_LIMIT_STORE_HISTORY   10000        /* changes that a watch can go back, by default */
#define TPH_LIMIT_STORE_GROUP     TPH_MIB(16)  /* of writes in one transaction; a larger write has one of its own */
#define TPH_LIMIT_STORE_WAL_PAGES 4000         /* after so many the WAL goes into the file */
#define TPH_LIMIT_STORE_BUSY_MS   10000        /* waiting for a lock of SQLite's, as while a WAL is read again */
#define TPH_LIMIT_STORE_PROBE_MS  1000         /* between two looks whether a store that failed can be written again */
#define TPH_LIMIT_STORE_CHECK_MS  2000 /* after a full check that found damage or failed; doubles up to 68 min */
#define TPH_LIMIT_STORE_PROBLEMS  100  /* that a check tells of one file */

/* the API server */
#define TPH_LIMIT_API_BODY        TPH_MIB(3)       /* of a request, as Kubernetes' */
#define TPH_LIMIT_API_LIST        TPH_MIB(256)     /* one answer; a larger list must be asked for in pages */
#define TPH_LIMIT_API_TRIES       10               /* of a write that others disturb */
#define TPH_LIMIT_API_NAMES       8                /* names made of one generateName, as Kubernetes' */
#define TPH_LIMIT_API_COUNT       2000             /* objects counted for remainingItemCount; beyond it is not told */
#define TPH_LIMIT_API_WATCH_BATCH 128              /* objects that one watch gives in one turn */
#define TPH_LIMIT_API_BOOKMARK_MS 60000            /* between two bookmarks of a watch that wants them */
#define TPH_LIMIT_API_LAST_MS     2000             /* before the end of a watch comes its last bookmark */
#define TPH_LIMIT_API_WATCH_S     1800             /* a watch without timeoutSeconds: this long to twice this long */
#define TPH_LIMIT_API_SECONDS     315360000        /* ten years: of a time-out or a grace period */
#define TPH_LIMIT_API_FAULTS      500              /* faults and unknown members that one answer tells */
#define TPH_LIMIT_API_FAULT_BYTES TPH_KIB(64)      /* and their texts together; what is beyond is left out */
#define TPH_LIMIT_API_OBJECT      (TPH_MIB(3) / 2) /* one object as it is kept, as etcd's */
