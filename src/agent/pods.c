/* SPDX-License-Identifier: Apache-2.0 */
/* Sidecars' pods as others see them: names, states, what they printed. */
#include <string.h>

#include "agent/agent_internal.h"
#include "base/alloc.h"
#include "base/random.h"

void tph_sidecar_name_pod(struct sidecar *s)
{
    char suffix[6];
    tph_random_text(suffix, sizeof(suffix) - 1);
    tph_random_uuid(s->pod_uid);
    free(s->pod_name);
    s->pod_name = tph_format("%.*s-%s", TPH_FMT(s->plugin->config_name), suffix);
    s->pod_restarts = 0;
    s->pod_reason = NULL;
    tph_buf_release(&s->degraded);
    s->degraded = TPH_BUF_INIT(TPH_KIB(16));
}

static void tell(struct sidecar *s, enum tph_agent_pod_state state, struct tph_str message)
{
    const char *note;
    struct tph_agent_pod pod = {
        .ns = tph_str(s->ns),
        .name = tph_str(s->pod_name),
        .uid = tph_str(s->pod_uid),
        .state = state,
        .host_network = tph_sidecar_network(s, &note) == TPH_NETWORK_HOST,
        .ready = s->pod_ready && state == TPH_AGENT_POD_RUNNING,
        .restarts = s->pod_restarts,
        .exit_code = s->pod_exit,
        .reason = s->pod_reason,
        .pause_ms = s->pod_pause_ms,
        .message = message,
        .degraded = tph_buf_str(&s->degraded),
    };
    tph_agent_emit(s->agent, &(struct tph_agent_event){.kind = TPH_AGENT_POD, .plugin = s->plugin, .pod = &pod});
}

void tph_sidecar_tell_pod(struct sidecar *s, const struct tph_pod_event *event)
{
    if (!event) {
        tell(s, TPH_AGENT_POD_STARTING, TPH_STR_NONE);
        return;
    }
    switch (event->kind) {
    case TPH_POD_STARTED:
    case TPH_POD_READY:
    case TPH_POD_UNREADY:
        tell(s, TPH_AGENT_POD_RUNNING, TPH_STR_NONE);
        break;
    case TPH_POD_EXITED:
        s->pod_restarts = event->restarts;
        s->pod_exit = event->exit_code;
        s->pod_pause_ms = event->restart_in_ms;
        s->pod_reason = strcmp(event->reason, "OOMKilled") == 0   ? "OOMKilled"
                        : strcmp(event->reason, "Completed") == 0 ? "Completed"
                                                                  : "Error";
        tell(s, TPH_AGENT_POD_WAITING, TPH_STR_NONE);
        break;
    case TPH_POD_FAILED:
        tell(s, TPH_AGENT_POD_FAILED, event->message);
        break;
    case TPH_POD_DEGRADED:
        (void)tph_buf_printf(&s->degraded, "%s%.*s", s->degraded.len > 0 ? "; " : "", TPH_FMT(event->message));
        tell(s, s->pod_ready ? TPH_AGENT_POD_RUNNING : TPH_AGENT_POD_STARTING, TPH_STR_NONE);
        break;
    case TPH_POD_STOPPED:
        tell(s, TPH_AGENT_POD_GONE, TPH_STR_NONE);
        break;
    case TPH_POD_LOG:
        break;
    }
}

void tph_sidecar_tell_failed(struct sidecar *s, const char *message)
{
    tell(s, TPH_AGENT_POD_FAILED, tph_str(message));
}

bool tph_agent_pod_log(const struct tph_agent *agent, struct tph_str ns, struct tph_str name, size_t max_lines,
                       struct tph_buf *lines)
{
    for (struct sidecar *s = agent->sidecars; s; s = s->next) {
        if (s->pod_name && tph_str_eqz(ns, s->ns) && tph_str_eqz(name, s->pod_name)) {
            if (s->pod) {
                tph_pod_log_tail(s->pod, 0, max_lines, lines);
            } else {
                (void)tph_buf_put(lines, tph_buf_str(&s->last_lines));
            }
            return true;
        }
    }
    return false;
}
