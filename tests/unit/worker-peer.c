/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that has gone bad, for test-worker.c. It answers every request with success, but the one
 * that PEER_VERB names with PEER_REPLY, as it is; then come PEER_DATA bytes, and PEER_THEN. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/child.h"
#include "base/json.h"

static void
need (adze_error *error)
{
  if (!error)
    return;
  adze_error_free (error);
  exit (0);
}

static const char *
setting (const char *name)
{
  const char *value = getenv (name);
  return value ? value : "";
}

static void
say (adze_child *parent, const char *text)
{
  need (adze_child_send (parent, text, strlen (text)));
}

/* What a request to open is answered with: a technique that says nothing of its own. */
#define FACTS \
  "{\"ok\": {\"facts\": {\"effect\": 1, \"grain\": 0, \"accumulate\": 0, \"applies\": true, " \
  "\"describes\": %s, \"preserves\": [], \"breaks\": [], \"keeps\": []}}}"

static bool opened; /* the last request was to open */

static void
say_facts (adze_child *parent)
{
  char text[400];
  bool describes = strcmp (setting ("PEER_VERB"), "describe") == 0;
  snprintf (text, sizeof text, FACTS, describes ? "true" : "false");
  say (parent, text);
}

/* A frame as no honest end would send it. */
static void
send_frame (uint32_t type, uint32_t size, const char *bytes)
{
  const uint32_t head[] = { type, size };
  if (send (3, head, sizeof head, MSG_NOSIGNAL) < 0
      || send (3, bytes, strlen (bytes), MSG_NOSIGNAL) < 0)
    exit (0);
}

static void
misbehave (adze_child *parent)
{
  const char *then = setting ("PEER_THEN");
  size_t size = strtoul (setting ("PEER_DATA"), NULL, 10);
  ADZE_AUTO_FREE void *data = calloc (1, size + 1);
  if (strcmp (then, "half") == 0)
    send_frame (1, 100, "{\"ok\": ");
  else if (strcmp (then, "huge") == 0)
    send_frame (1, UINT32_MAX, "{");
  else if (strcmp (then, "unknown") == 0)
    send_frame (77, 4, "abcd");
  else if (strcmp (then, "slot") == 0)
    send_frame (3, 0, "");
  else if (strcmp (then, "silent") != 0)
    say (parent, setting ("PEER_REPLY"));
  while (strcmp (then, "forever") == 0)
    say (parent, setting ("PEER_REPLY"));
  if (size > 0 && data)
    need (adze_child_put (parent, data, size));
  if (strcmp (then, "exit") == 0 || strcmp (then, "half") == 0)
    exit (7);
  if (strcmp (then, "hang") == 0 || strcmp (then, "silent") == 0)
    for (;;)
      pause ();
}

/* Is this the request to go wrong on? Its bytes, if any, are taken either way. */
static bool
is_the_one (adze_child *parent, const adze_buffer *text)
{
  ADZE_AUTO (adze_document) request = { 0 };
  need (adze_json_parse ("<host>", text->data, text->size, &request));
  const adze_value *verb = adze_value_get (request.root, "do");
  const adze_value *bytes = adze_value_get (request.root, "bytes");
  opened = verb && verb->string && strcmp (verb->string, "open") == 0;
  if (bytes && bytes->integer > 0)
    need (adze_child_take (parent, NULL, (size_t)bytes->integer));
  return verb && verb->string && strcmp (verb->string, setting ("PEER_VERB")) == 0;
}

int
main (void)
{
  adze_child *parent = NULL;
  need (adze_child_attach (&parent));
  for (;;) {
    ADZE_AUTO (adze_buffer) text = { 0 };
    need (adze_child_receive (parent, &text));
    if (is_the_one (parent, &text))
      misbehave (parent);
    else if (opened)
      say_facts (parent);
    else
      say (parent, "{\"ok\": {}}");
  }
}
