/* SPDX-License-Identifier: Apache-2.0 */
/* question.c: what is set, what is seen and what is asked. */
#include "model.h"

static adze_status
find_node (const scm *m, const char *what, const char *text, size_t size, uint32_t *node)
{
  *node = scm_find (m, text, size);
  return *node != SCM_NONE ? ADZE_OK
                           : adze_fail (m->host, ADZE_E_PARAM, "parameter '%s': the model has no node '%.*s'", what,
                                        (int)(size < 200 ? size : 200), text);
}

static adze_status
find_level (const scm *m, const char *what, uint32_t node, const char *text, uint32_t *level)
{
  const est_column *column = &m->data.columns[m->nodes[node].column];
  for (*level = 0; *level < column->level_count; ++*level)
    if (strcmp (column->levels[*level].data, text) == 0)
      return ADZE_OK;
  return adze_fail (m->host, ADZE_E_PARAM, "parameter '%s': '%s' never has the value '%.200s' in the table", what,
                    m->nodes[node].name, text);
}

/* Behind the name of "NAME=value". */
static adze_status
split (const scm *m, const char *what, const char *text, uint32_t *node, const char **value)
{
  const char *equals = strchr (text, '=');
  if (!equals)
    return adze_fail (m->host, ADZE_E_PARAM, "parameter '%s': '%.200s' has no value; needed is \"NAME=VALUE\"", what,
                      text);
  *value = equals + 1;
  return find_node (m, what, text, (size_t)(equals - text), node);
}

adze_status
scm_read_level (const scm *m, const char *what, const char *text, uint32_t *node, uint32_t *level)
{
  const char *value = NULL;
  adze_status status = split (m, what, text, node, &value);
  return status == ADZE_OK ? find_level (m, what, *node, value, level) : status;
}

static adze_status
read_values (const scm *m, const char *what, uint8_t *has, double *values)
{
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < scm_list_size (m, what); i++) {
    const char *text = scm_list_at (m, what, i), *value = NULL;
    uint32_t node = 0, level = 0;
    status = split (m, what, text, &node, &value);
    if (status == ADZE_OK && has[node])
      return adze_fail (m->host, ADZE_E_PARAM, "parameter '%s' has '%s' twice", what, m->nodes[node].name);
    if (status == ADZE_OK && m->discrete)
      status = find_level (m, what, node, value, &level);
    if (status != ADZE_OK)
      return status;
    values[node] = level;
    has[node] = 1;
    if (!m->discrete
        && !adze_table_number ((adze_text){ .data = value, .size = strlen (value) }, &values[node]))
      return adze_fail (m->host, ADZE_E_PARAM, "parameter '%s': '%.200s' has no number behind the '='", what, text);
  }
  return status;
}

adze_status
scm_read_question (scm *m)
{
  adze_status status = read_values (m, "do", m->set, m->set_to);
  if (status == ADZE_OK)
    status = read_values (m, "seen", m->seen, m->seen_as);
  for (size_t i = 0; status == ADZE_OK && i < scm_list_size (m, "ask"); i++) {
    const char *name = scm_list_at (m, "ask", i);
    uint32_t node = 0;
    status = find_node (m, "ask", name, strlen (name), &node);
    if (status == ADZE_OK && (m->asked[node] || m->set[node]))
      return adze_fail (m->host, ADZE_E_PARAM, "parameter 'ask': '%s' %s", name,
                        m->asked[node] ? "is there twice" : "is set by 'do', and there is nothing to ask");
    if (status == ADZE_OK)
      m->asked[node] = 1;
  }
  return status;
}
