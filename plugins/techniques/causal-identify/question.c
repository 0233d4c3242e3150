/* SPDX-License-Identifier: Apache-2.0 */
/* question.c: names of nodes, as they stand in the parameters. */
#include "identify.h"

static const char *
skip_blanks (const char *text, const char *end)
{
  while (text < end && (*text == ' ' || *text == '\t'))
    text++;
  return text;
}

static adze_status
take_name (const ident_run *r, const char *what, const char *name, const char *end, ident_set *nodes)
{
  name = skip_blanks (name, end);
  while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
    end--;
  const uint32_t node = ident_graph_find (&r->graph, name, (size_t)(end - name));
  if (node == IDENT_NODES)
    return adze_fail (r->host, ADZE_E_PARAM, "parameter '%s': its port 'graph' has no node '%.*s'", what,
                      (int)(end - name < 200 ? end - name : 200), name);
  if (ident_has (nodes, node))
    return adze_fail (r->host, ADZE_E_PARAM, "parameter '%s' has '%s' twice", what, r->graph.names[node]);
  ident_add (nodes, node);
  return ADZE_OK;
}

adze_status
ident_read_list (const ident_run *r, const char *what, ident_set *nodes)
{
  const adze_params_service *service = adze_params_of (r->host);
  const adze_params *list = service->get_nested (r->params, what);
  adze_status status = ADZE_OK;
  *nodes = ident_none ();
  for (size_t i = 0; status == ADZE_OK && i < service->count (list); i++) {
    const char *name = service->get_string (list, service->name_at (list, i));
    status = take_name (r, what, name, name + strlen (name), nodes);
  }
  return status;
}

/* Names with commas between TEXT and END. */
static adze_status
take_names (const ident_run *r, const char *text, const char *end, ident_set *nodes)
{
  adze_status status = ADZE_OK;
  *nodes = ident_none ();
  while (status == ADZE_OK) {
    const char *comma = (const char *)memchr (text, ',', (size_t)(end - text));
    status = take_name (r, "separated", text, comma ? comma : end, nodes);
    if (!comma)
      break;
    text = comma + 1;
  }
  return status;
}

adze_status
ident_read_separation (const ident_run *r, const char *text, ident_separation *question)
{
  const char *semicolon = strchr (text, ';'), *bar = semicolon ? strchr (semicolon, '|') : NULL;
  const char *end = text + strlen (text);
  question->z = ident_none ();
  if (!semicolon)
    return adze_fail (r->host, ADZE_E_PARAM,
                      "parameter 'separated': '%.200s' is no question; needed is \"X ; Y\" or \"X ; Y | Z, W\"", text);
  adze_status status = take_names (r, text, semicolon, &question->x);
  if (status == ADZE_OK)
    status = take_names (r, semicolon + 1, bar ? bar : end, &question->y);
  if (status == ADZE_OK && bar && skip_blanks (bar + 1, end) < end)
    status = take_names (r, bar + 1, end, &question->z);
  if (status == ADZE_OK
      && (ident_meet (question->x, question->y) || ident_meet (ident_or (question->x, question->y), question->z)))
    return adze_fail (r->host, ADZE_E_PARAM, "parameter 'separated': '%.200s' has a node on two sides", text);
  return status;
}
