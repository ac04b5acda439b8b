/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin in C. Build it beside plugin.yaml: cc -O2 -o server main.c */
#include "tiphys_plugin.h"

static void execute(const char *request, struct tiphys_reply *reply)
{
    char text[256];
    if (tiphys_text(request, "\"echo\"", "\"text\"", text, sizeof(text))) {
        tiphys_succeed(reply, text);
    } /* else: not mine, {} */
}

int main(void)
{
    return tiphys_serve(4364, execute);
}
