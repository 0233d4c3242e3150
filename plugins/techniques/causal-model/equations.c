/* SPDX-License-Identifier: Apache-2.0 */
/* equations.c: reads linear equations: "Y = 0.7 X + 0.4 H - 2". A node without an equation is all noise. */
#include <math.h>
#include <stdlib.h>

#include "model.h"

typedef struct reader {
  scm *m;
  const char *text, *at;
} reader;

static adze_status
refuse (const reader *r, const char *needed)
{
  return adze_fail (r->m->host, ADZE_E_PARAM,
                    "parameter 'equations': \"%.200s\", character %zu: needed is %s; an equation is \"Y = 0.7 X + 0.4 H\"",
                    r->text, (size_t)(r->at - r->text) + 1, needed);
}

static void
skip_blanks (reader *r)
{
  while (*r->at == ' ' || *r->at == '\t')
    r->at++;
}

/* Letters, digits and "_.", none of which comes first but for letters; or anything in quotes. */
static adze_status
read_name (reader *r, uint32_t *node)
{
  skip_blanks (r);
  const char *first = r->at;
  if (*first == '"') {
    const char *end = strchr (first + 1, '"');
    if (!end || end == first + 1)
      return refuse (r, "a name in quotes");
    r->at = end + 1;
    return scm_add_node (r->m, first + 1, (size_t)(end - first - 1), node);
  }
  while ((*r->at >= 'a' && *r->at <= 'z') || (*r->at >= 'A' && *r->at <= 'Z') || *r->at == '_'
         || (unsigned char)*r->at >= 0x80
         || (r->at > first && ((*r->at >= '0' && *r->at <= '9') || *r->at == '.')))
    r->at++;
  return r->at > first ? scm_add_node (r->m, first, (size_t)(r->at - first), node) : refuse (r, "the name of a node");
}

/* Decimal alone: strtod would take "inf" and hexadecimal, and names that begin with them. */
static bool
read_number (reader *r, double *number)
{
  skip_blanks (r);
  const char *digit = r->at + (*r->at == '.');
  if (*digit < '0' || *digit > '9' || (*r->at == '0' && (r->at[1] == 'x' || r->at[1] == 'X')))
    return false;
  char *end = NULL;
  *number = strtod (r->at, &end);
  if (!isfinite (*number))
    return false;
  r->at = end;
  return true;
}

static adze_status
add_term (reader *r, scm_node *node, double factor)
{
  uint32_t parent = 0;
  adze_status status = read_name (r, &parent);
  for (uint32_t k = 0; status == ADZE_OK && k < node->parent_count; k++)
    if (node->parents[k] == parent) {
      node->factors[k][0] += factor;
      return ADZE_OK;
    }
  if (status == ADZE_OK && node->parent_count == SCM_PARENTS)
    return refuse (r, "an equation with fewer names");
  if (status != ADZE_OK)
    return status;
  node->factors[node->parent_count][0] = factor;
  node->scale[node->parent_count] = 1;
  node->parents[node->parent_count++] = parent;
  return ADZE_OK;
}

/* Up to the next sign. */
static adze_status
read_term (reader *r, scm_node *node, double sign)
{
  double number = 1;
  const bool counts = read_number (r, &number);
  skip_blanks (r);
  const bool times = counts && *r->at == '*';
  r->at += times;
  skip_blanks (r);
  if (counts && !times && (*r->at == '\0' || *r->at == '+' || *r->at == '-')) {
    node->base += sign * number;
    return ADZE_OK;
  }
  return add_term (r, node, sign * number);
}

static adze_status
read_equation (scm *m, const char *text)
{
  reader r = { m, text, text };
  uint32_t index = 0;
  adze_status status = read_name (&r, &index);
  if (status != ADZE_OK)
    return status;
  scm_node *node = &m->nodes[index];
  skip_blanks (&r);
  if (*r.at != '=')
    return refuse (&r, "'='");
  if (node->has_law)
    return adze_fail (m->host, ADZE_E_PARAM, "parameter 'equations' has two equations for '%s'", node->name);
  node->has_law = true;
  r.at++;
  for (bool first = true; status == ADZE_OK; first = false) {
    skip_blanks (&r);
    if (*r.at == '\0' && !first)
      return ADZE_OK;
    const bool minus = *r.at == '-', plus = *r.at == '+';
    if (!first && !minus && !plus)
      return refuse (&r, "'+' or '-'");
    r.at += minus || plus;
    status = read_term (&r, node, minus ? -1 : 1);
  }
  return status;
}

adze_status
scm_read_equations (scm *m)
{
  adze_status status = ADZE_OK;
  m->powers = 1;
  for (size_t i = 0; status == ADZE_OK && i < scm_list_size (m, "equations"); i++)
    status = read_equation (m, scm_list_at (m, "equations", i));
  return status;
}
