/* SPDX-License-Identifier: Apache-2.0 */
/* bif.c: reads the Bayesian interchange format.
 *
 *   network NAME { }
 *   variable NAME { type discrete [ 2 ] { yes, no }; }
 *   probability ( NAME ) { table 0.1, 0.9; }
 *   probability ( NAME | PARENT, ... ) { (yes, ...) 0.1, 0.9; default 0.5, 0.5; }
 *
 * A file may come from anybody: every byte is looked at. */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>

#include "network.h"

/* A row may have a sum that is so far from one: numbers are written with few digits. It is made one. */
#define ROUNDED 2e-3

typedef struct reader {
  const char *text;
  size_t size, at, first; /* the word is from first to at */
  size_t line;
  net *network;
} reader;

static adze_status refuse (const reader *r, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static adze_status
refuse (const reader *r, const char *format, ...)
{
  char reason[400];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  return adze_fail (r->network->host, ADZE_E_FORMAT, "its port 'network', line %zu: %s", r->line, reason);
}

/* ---- Memory: all of it goes with the network. */

typedef struct block {
  struct block *next;
} block;

static void *
take_memory (const reader *r, size_t size)
{
  const adze_host *host = r->network->host;
  char *memory = (char *)host->allocate (host, size + 64);
  if (!memory) {
    adze_fail (host, ADZE_E_MEMORY, "no room for %zu bytes of a network", size);
    return NULL;
  }
  ((block *)(void *)memory)->next = (block *)r->network->blocks;
  r->network->blocks = memory;
  return memory + 64;
}

/* ---- Words. */

static bool
is_blank (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f';
}

static bool
is_mark (char c)
{
  return c != '\0' && strchr ("{}()[],;|", c);
}

static bool
at_comment (const reader *r)
{
  return r->at + 1 < r->size && r->text[r->at] == '/' && (r->text[r->at + 1] == '/' || r->text[r->at + 1] == '*');
}

static void
skip_comment (reader *r)
{
  const bool line = r->text[r->at + 1] == '/';
  const size_t first = r->at + 2; /* in which a comment that has just begun does not end */
  for (r->at = first; r->at < r->size; r->at++) {
    if (line && r->text[r->at] == '\n')
      return;
    if (!line && r->at > first && r->text[r->at] == '/' && r->text[r->at - 1] == '*') {
      r->at++;
      return;
    }
    r->line += r->text[r->at] == '\n';
  }
}

/* The next word or mark; false at the end. */
static bool
next (reader *r)
{
  for (; r->at < r->size; ) {
    if (is_blank (r->text[r->at]))
      r->line += r->text[r->at++] == '\n';
    else if (at_comment (r))
      skip_comment (r);
    else
      break;
  }
  r->first = r->at;
  if (r->at == r->size)
    return false;
  if (is_mark (r->text[r->at])) {
    r->at++;
    return true;
  }
  if (r->text[r->at] == '"') {
    const char *end = (const char *)memchr (r->text + r->at + 1, '"', r->size - r->at - 1);
    r->at = end ? (size_t)(end - r->text) + 1 : r->size;
    return true;
  }
  while (r->at < r->size && !is_blank (r->text[r->at]) && !is_mark (r->text[r->at]))
    r->at++;
  return true;
}

static bool
is (const reader *r, const char *word)
{
  return r->at - r->first == strlen (word) && memcmp (r->text + r->first, word, r->at - r->first) == 0;
}

static int
shown (const reader *r)
{
  const size_t size = r->at - r->first;
  return (int)(size < 60 ? size : 60);
}

static adze_status
need (reader *r, const char *word)
{
  if (next (r) && is (r, word))
    return ADZE_OK;
  return refuse (r, "needed is '%s', and there is '%.*s'", word, shown (r), r->text + r->first);
}

/* A name, without its quotes. */
static adze_status
need_name (reader *r, const char *what, const char **name, size_t *size)
{
  if (!next (r) || (r->at == r->first + 1 && is_mark (r->text[r->first])))
    return refuse (r, "needed is %s, and there is '%.*s'", what, shown (r), r->text + r->first);
  *name = r->text + r->first;
  *size = r->at - r->first;
  if (**name == '"' && *size >= 2) {
    ++*name;
    *size -= 2;
  }
  if (*size == 0 || memchr (*name, '\0', *size))
    return refuse (r, "%s is empty, or has a byte that is zero", what);
  return ADZE_OK;
}

static adze_status
copy_name (reader *r, const char *what, char **copy)
{
  const char *name = NULL;
  size_t size = 0;
  adze_status status = need_name (r, what, &name, &size);
  *copy = status == ADZE_OK ? (char *)take_memory (r, size + 1) : NULL;
  if (*copy)
    memcpy (*copy, name, size);
  return status == ADZE_OK && !*copy ? ADZE_E_MEMORY : status;
}

static adze_status
need_number (reader *r, double *number)
{
  char text[64] = "";
  char *end = text;
  if (!next (r))
    return refuse (r, "the file ends where a number is needed");
  if (r->at - r->first < sizeof text)
    memcpy (text, r->text + r->first, r->at - r->first);
  /* No "nan", no "inf", nothing in hexadecimal. */
  if (*text && strspn (text, "0123456789.eE+-") == strlen (text))
    *number = strtod (text, &end);
  return end == text || *end ? refuse (r, "'%.*s' is no number", shown (r), r->text + r->first) : ADZE_OK;
}

/* Of a block that says nothing here; behind its "{". */
static adze_status
skip_block (reader *r)
{
  for (int depth = 1; depth > 0;) {
    if (!next (r))
      return refuse (r, "the file ends inside of a block");
    depth += is (r, "{") ? 1 : is (r, "}") ? -1 : 0;
  }
  return ADZE_OK;
}

/* Up to the ";" of a property. */
static adze_status
skip_statement (reader *r)
{
  while (next (r))
    if (is (r, ";"))
      return ADZE_OK;
  return refuse (r, "the file ends inside of a property");
}

/* ---- Nodes. */

uint32_t
net_find (const net *network, const char *name, size_t size)
{
  for (uint32_t i = 0; i < network->count; i++)
    if (strlen (network->nodes[i].name) == size && memcmp (network->nodes[i].name, name, size) == 0)
      return i;
  return UINT32_MAX;
}

uint32_t
net_find_state (const net_node *node, const char *name, size_t size)
{
  for (uint32_t i = 0; i < node->state_count; i++)
    if (strlen (node->states[i]) == size && memcmp (node->states[i], name, size) == 0)
      return i;
  return UINT32_MAX;
}

static adze_status
room_for_node (reader *r)
{
  net *n = r->network;
  if (n->count == NET_NODES)
    return refuse (r, "there are more than %d variables", (int)NET_NODES);
  if (n->count < n->room)
    return ADZE_OK;
  const uint32_t room = n->room ? 2 * n->room : 32;
  net_node *nodes = (net_node *)n->host->allocate (n->host, room * sizeof *nodes);
  if (!nodes)
    return adze_fail (n->host, ADZE_E_MEMORY, "no room for %u variables", (unsigned)room);
  if (n->count > 0)
    memcpy (nodes, n->nodes, n->count * sizeof *nodes);
  if (n->nodes)
    n->host->release (n->host, n->nodes);
  n->nodes = nodes;
  n->room = room;
  return ADZE_OK;
}

/* Behind "type". */
static adze_status
read_type (reader *r, net_node *node)
{
  double count = 0;
  adze_status status = need (r, "discrete");
  if (status == ADZE_OK)
    status = need (r, "[");
  if (status == ADZE_OK)
    status = need_number (r, &count);
  if (status == ADZE_OK && (node->states || !(count >= 1 && count <= NET_STATES) || count != floor (count)))
    return refuse (r, "a variable has a type, once, with 1 to %d values, and this says %g", (int)NET_STATES, count);
  if (status == ADZE_OK)
    status = need (r, "]");
  if (status == ADZE_OK)
    status = need (r, "{");
  node->states = status == ADZE_OK ? (char **)take_memory (r, (size_t)count * sizeof *node->states) : NULL;
  if (status == ADZE_OK && !node->states)
    return ADZE_E_MEMORY;
  for (uint32_t i = 0; status == ADZE_OK && i < (uint32_t)count; i++) {
    status = i > 0 ? need (r, ",") : ADZE_OK;
    if (status == ADZE_OK)
      status = copy_name (r, "the name of a value", &node->states[i]);
    if (status == ADZE_OK && net_find_state (node, node->states[i], strlen (node->states[i])) != UINT32_MAX)
      return refuse (r, "the variable '%.100s' has the value '%.100s' twice", node->name, node->states[i]);
    node->state_count = i + 1;
  }
  if (status == ADZE_OK)
    status = need (r, "}");
  return status == ADZE_OK ? need (r, ";") : status;
}

static adze_status
read_variable (reader *r)
{
  net_node node = { .name = NULL };
  adze_status status = room_for_node (r);
  if (status == ADZE_OK)
    status = copy_name (r, "the name of a variable", &node.name);
  if (status == ADZE_OK && net_find (r->network, node.name, strlen (node.name)) != UINT32_MAX)
    return refuse (r, "the variable '%.100s' is there twice", node.name);
  if (status == ADZE_OK)
    status = need (r, "{");
  while (status == ADZE_OK) {
    if (!next (r))
      return refuse (r, "the file ends inside of the variable '%.100s'", node.name);
    if (is (r, "}"))
      break;
    if (is (r, "type"))
      status = read_type (r, &node);
    else if (is (r, "property"))
      status = skip_statement (r);
    else
      return refuse (r, "'%.*s' is nothing that a variable has", shown (r), r->text + r->first);
  }
  if (status == ADZE_OK && !node.states)
    return refuse (r, "the variable '%.100s' has no type", node.name);
  if (status == ADZE_OK)
    r->network->nodes[r->network->count++] = node;
  return status;
}

/* ---- Probabilities. */

static adze_status
need_node (reader *r, uint32_t *index)
{
  const char *name = NULL;
  size_t size = 0;
  adze_status status = need_name (r, "the name of a variable", &name, &size);
  *index = status == ADZE_OK ? net_find (r->network, name, size) : 0;
  if (*index == UINT32_MAX)
    return refuse (r, "there is no variable '%.*s'", (int)(size < 100 ? size : 100), name);
  return status;
}

/* NAME | PARENT, PARENT ) */
static adze_status
read_parents (reader *r, uint32_t index)
{
  net_node *node = &r->network->nodes[index];
  while (next (r) && !is (r, ")")) {
    if (!is (r, node->parent_count ? "," : "|"))
      return refuse (r, "needed is '%s' or ')', and there is '%.*s'", node->parent_count ? "," : "|", shown (r),
                     r->text + r->first);
    if (node->parent_count == NET_PARENTS)
      return refuse (r, "'%.100s' has more than %d parents", node->name, (int)NET_PARENTS);
    uint32_t parent = 0;
    adze_status status = need_node (r, &parent);
    for (uint32_t i = 0; status == ADZE_OK && i < node->parent_count; i++)
      if (node->parents[i] == parent)
        return refuse (r, "'%.100s' has the same parent twice", node->name);
    if (status != ADZE_OK)
      return status;
    if (parent == index)
      return refuse (r, "'%.100s' is its own parent", node->name);
    node->parents[node->parent_count++] = parent;
  }
  return is (r, ")") ? ADZE_OK : refuse (r, "the file ends inside of a probability");
}

static adze_status
room_for_table (reader *r, net_node *node)
{
  double rows = 1;
  for (uint32_t i = 0; i < node->parent_count; i++)
    rows *= r->network->nodes[node->parents[i]].state_count;
  if (rows * node->state_count > NET_CELLS)
    return refuse (r, "the table of '%.100s' has %.3g numbers, and %d is the most", node->name,
                   rows * node->state_count, (int)NET_CELLS);
  node->rows = (uint32_t)rows;
  node->table = (double *)take_memory (r, (size_t)node->rows * node->state_count * sizeof *node->table);
  node->told = node->table ? (uint8_t *)take_memory (r, node->rows) : NULL;
  return node->told ? ADZE_OK : ADZE_E_MEMORY;
}

static adze_status
read_row (reader *r, net_node *node, uint32_t row)
{
  double *cells = node->table + (size_t)row * node->state_count, sum = 0;
  if (node->told[row])
    return refuse (r, "this row of '%.100s' was told before", node->name);
  for (uint32_t i = 0; i < node->state_count; i++) {
    adze_status status = i > 0 ? need (r, ",") : ADZE_OK;
    if (status == ADZE_OK)
      status = need_number (r, &cells[i]);
    if (status != ADZE_OK)
      return status;
    if (!(cells[i] >= 0 && cells[i] <= 1))
      return refuse (r, "%g is no probability", cells[i]);
    sum += cells[i];
  }
  if (fabs (sum - 1) > ROUNDED)
    return refuse (r, "a row of '%.100s' has the sum %.9g, and it must be 1", node->name, sum);
  for (uint32_t i = 0; i < node->state_count; i++)
    cells[i] /= sum;
  node->told[row] = 1;
  return need (r, ";");
}

/* Behind "(": the values of the parents. */
static adze_status
find_row (reader *r, const net_node *node, uint32_t *row)
{
  *row = 0;
  for (uint32_t i = 0; i < node->parent_count; i++) {
    const net_node *parent = &r->network->nodes[node->parents[i]];
    const char *name = NULL;
    size_t size = 0;
    adze_status status = i > 0 ? need (r, ",") : ADZE_OK;
    if (status == ADZE_OK)
      status = need_name (r, "a value", &name, &size);
    if (status != ADZE_OK)
      return status;
    const uint32_t state = net_find_state (parent, name, size);
    if (state == UINT32_MAX)
      return refuse (r, "'%.100s' has no value '%.*s'", parent->name, (int)(size < 100 ? size : 100), name);
    *row = *row * parent->state_count + state;
  }
  return need (r, ")");
}

/* For rows that are not told otherwise, be it before or behind. */
static adze_status
read_default (reader *r, net_node *node, double **fallback)
{
  net_node one = { .name = node->name, .state_count = node->state_count };
  if (*fallback)
    return refuse (r, "'%.100s' has two defaults", node->name);
  one.table = *fallback = (double *)take_memory (r, node->state_count * sizeof **fallback);
  one.told = *fallback ? (uint8_t *)take_memory (r, 1) : NULL;
  return one.told ? read_row (r, &one, 0) : ADZE_E_MEMORY;
}

static adze_status
end_table (reader *r, net_node *node, const double *fallback)
{
  for (uint32_t row = 0; row < node->rows; row++) {
    if (node->told[row])
      continue;
    if (!fallback)
      return refuse (r, "%s of '%.100s' is told", node->parent_count ? "not every row" : "no table", node->name);
    memcpy (node->table + (size_t)row * node->state_count, fallback, node->state_count * sizeof *fallback);
  }
  return ADZE_OK;
}

static adze_status
read_table (reader *r, net_node *node)
{
  adze_status status = room_for_table (r, node);
  double *fallback = NULL;
  while (status == ADZE_OK) {
    uint32_t row = 0;
    if (!next (r))
      return refuse (r, "the file ends inside of the probability of '%.100s'", node->name);
    if (is (r, "}"))
      return end_table (r, node, fallback);
    if (is (r, "property"))
      status = skip_statement (r);
    else if (is (r, "default"))
      status = read_default (r, node, &fallback);
    else if (is (r, "table") && node->parent_count > 0)
      return refuse (r, "'%.100s' has parents, and a table without their values could be meant in two orders; write a "
                        "row for each: (yes, no) 0.1, 0.9;",
                     node->name);
    else if (is (r, "table"))
      status = read_row (r, node, 0);
    else if (is (r, "(")) {
      status = find_row (r, node, &row);
      if (status == ADZE_OK)
        status = read_row (r, node, row);
    } else
      return refuse (r, "'%.*s' is nothing that a probability has", shown (r), r->text + r->first);
  }
  return status;
}

static adze_status
read_probability (reader *r)
{
  uint32_t index = 0;
  adze_status status = need (r, "(");
  if (status == ADZE_OK)
    status = need_node (r, &index);
  if (status != ADZE_OK)
    return status;
  if (r->network->nodes[index].table)
    return refuse (r, "the probability of '%.100s' is there twice", r->network->nodes[index].name);
  status = read_parents (r, index);
  if (status == ADZE_OK)
    status = need (r, "{");
  return status == ADZE_OK ? read_table (r, &r->network->nodes[index]) : status;
}

/* ---- The whole. */

static adze_status
sort_nodes (reader *r)
{
  net *n = r->network;
  uint8_t *done = (uint8_t *)take_memory (r, (size_t)n->count + 1);
  n->order = done ? (uint32_t *)take_memory (r, ((size_t)n->count + 1) * sizeof *n->order) : NULL;
  if (!n->order)
    return ADZE_E_MEMORY;
  for (uint32_t at = 0, before = UINT32_MAX; at < n->count;) {
    if (at == before)
      return refuse (r, "arrows lead in a circle");
    before = at;
    for (uint32_t i = 0; i < n->count; i++) {
      bool ready = !done[i];
      for (uint32_t k = 0; ready && k < n->nodes[i].parent_count; k++)
        ready = done[n->nodes[i].parents[k]];
      if (!ready)
        continue;
      done[i] = 1;
      n->order[at++] = i;
    }
  }
  return ADZE_OK;
}

static adze_status
read_all (reader *r)
{
  adze_status status = ADZE_OK;
  while (status == ADZE_OK && next (r)) {
    if (is (r, "variable"))
      status = read_variable (r);
    else if (is (r, "probability"))
      status = read_probability (r);
    else if (is (r, "network")) {
      while (next (r) && !is (r, "{"))
        continue;
      status = skip_block (r);
    } else
      return refuse (r, "needed is 'network', 'variable' or 'probability', and there is '%.*s'", shown (r),
                     r->text + r->first);
  }
  for (uint32_t i = 0; status == ADZE_OK && i < r->network->count; i++)
    if (!r->network->nodes[i].table)
      return refuse (r, "the variable '%.100s' has no probability", r->network->nodes[i].name);
  if (status == ADZE_OK && r->network->count == 0)
    return refuse (r, "there is no variable");
  return status == ADZE_OK ? sort_nodes (r) : status;
}

adze_status
net_read (const adze_host *host, const char *text, size_t size, net *network)
{
  reader r = { .text = text, .size = size, .line = 1, .network = network };
  memset (network, 0, sizeof *network);
  network->host = host;
  return read_all (&r);
}

void
net_close (net *network)
{
  for (block *b = (block *)network->blocks; b;) {
    block *following = b->next;
    network->host->release (network->host, b);
    b = following;
  }
  if (network->nodes)
    network->host->release (network->host, network->nodes);
  memset (network, 0, sizeof *network);
}
