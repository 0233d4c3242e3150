/* SPDX-License-Identifier: Apache-2.0 */
/* formula_text.c: a formula as a line that people read, and that causal-estimate computes. */
#include "formula.h"

typedef struct writer {
  const ident_room *room;
  adze_bytes *text;
  adze_status status;
  /* How many scopes know a name, and which of them it means here: each one more is a prime behind it. */
  uint32_t known[IDENT_NODES], meant[IDENT_NODES];
} writer;

static void
add (writer *w, const char *text)
{
  if (w->status == ADZE_OK)
    w->status = adze_bytes_add (w->room->host, w->text, text, strlen (text));
}

/* ---- Names. */

static bool
is_plain (const char *name)
{
  for (const char *c = name; *c; c++)
    if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr ("_.-", *c)
          || (unsigned char)*c >= 0x80))
      return false;
  return *name;
}

/* In quotes, two of which are one, where letters and digits are not all. */
static adze_status
write_name (const adze_host *host, const char *name, adze_bytes *text)
{
  if (is_plain (name))
    return adze_bytes_add (host, text, name, strlen (name));
  adze_status status = adze_bytes_add (host, text, "\"", 1);
  for (; status == ADZE_OK && *name; name++) {
    if (*name == '"')
      status = adze_bytes_add (host, text, "\"", 1);
    if (status == ADZE_OK)
      status = adze_bytes_add (host, text, name, 1);
  }
  return status == ADZE_OK ? adze_bytes_add (host, text, "\"", 1) : status;
}

adze_status
ident_write_names (const adze_host *host, const ident_graph *graph, ident_set set, adze_bytes *text)
{
  adze_status status = ADZE_OK;
  bool first = true;
  for IDENT_EACH (v, set) {
    if (status == ADZE_OK && !first)
      status = adze_bytes_add (host, text, ",", 1);
    if (status == ADZE_OK)
      status = write_name (host, graph->names[v], text);
    first = false;
  }
  return status;
}

static void
add_names (writer *w, ident_set set)
{
  bool first = true;
  for IDENT_EACH (v, set) {
    if (!first)
      add (w, ",");
    first = false;
    if (w->status == ADZE_OK)
      w->status = write_name (w->room->host, w->room->graph->names[v], w->text);
    for (uint32_t i = 0; i < w->meant[v]; i++)
      add (w, "'");
  }
}

static void
add_p (writer *w, ident_set head, ident_set given)
{
  if (ident_empty (head)) {
    add (w, "1");
    return;
  }
  add (w, "P(");
  add_names (w, head);
  if (!ident_empty (given))
    add (w, "|");
  add_names (w, given);
  add (w, ")");
}

/* ---- Formulas. */

static void add_formula (writer *w, const ident_formula *formula);

static void
add_bracketed (writer *w, const ident_formula *formula)
{
  const bool bare = formula->kind == IDENT_P;
  add (w, bare ? "" : "[");
  add_formula (w, formula);
  add (w, bare ? "" : "]");
}

/* P(A|B,C) P(B|C) is P(A,B|C), which is shorter. */
static void
chain (ident_formula *parts, uint32_t *count)
{
  for (uint32_t i = 0; i < *count; i++)
    for (uint32_t k = 0; k < *count; k++)
      if (i != k && ident_same (parts[k].given, ident_or (parts[i].head, parts[i].given))) {
        parts[i].head = ident_or (parts[i].head, parts[k].head);
        memmove (parts + k, parts + k + 1, (*count - k - 1) * sizeof *parts);
        --*count;
        i = k = UINT32_MAX; /* both begin anew */
        break;
      }
}

/* Probabilities come first, then ratios, then sums, which reach as far to the right as their bracket. */
static void
add_product (writer *w, const ident_formula *const *items, uint32_t count)
{
  const adze_host *host = w->room->host;
  ident_formula *parts = (ident_formula *)host->allocate (host, (count + 1) * sizeof *parts);
  uint32_t part_count = 0, written = 0;
  if (!parts) {
    w->status = adze_fail (host, ADZE_E_MEMORY, "no room for a product of %u factors", (unsigned)count);
    return;
  }
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind == IDENT_P)
      parts[part_count++] = *items[i];
  chain (parts, &part_count);
  for (uint32_t i = 0; i < part_count; i++) {
    add (w, written++ ? " " : "");
    add_p (w, parts[i].head, parts[i].given);
  }
  host->release (host, parts);
  uint32_t sums = 0;
  for (uint32_t i = 0; i < count; i++)
    sums += items[i]->kind == IDENT_SUM;
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind == IDENT_RATIO) {
      add (w, written++ ? " " : "");
      add_bracketed (w, items[i]);
    }
  for (uint32_t i = 0; i < count; i++)
    if (items[i]->kind == IDENT_SUM) {
      add (w, written++ ? " " : "");
      if (--sums > 0)
        add_bracketed (w, items[i]);
      else
        add_formula (w, items[i]);
    }
}

static void
add_sum (writer *w, const ident_formula *sum)
{
  uint32_t before[IDENT_NODES];
  memcpy (before, w->meant, sizeof before);
  for IDENT_EACH (v, sum->head)
    w->meant[v] = w->known[v]++;
  add (w, "sum_{");
  add_names (w, sum->head);
  add (w, "} ");
  const ident_formula *body = sum->items[0];
  if (body->kind == IDENT_PRODUCT)
    add_product (w, body->items, body->count);
  else if (body->kind == IDENT_RATIO)
    add_bracketed (w, body);
  else
    add_formula (w, body);
  for IDENT_EACH (v, sum->head)
    w->known[v]--;
  memcpy (w->meant, before, sizeof before);
}

static void
add_formula (writer *w, const ident_formula *formula)
{
  switch (formula->kind) {
  case IDENT_P:
    add_p (w, formula->head, formula->given);
    break;
  case IDENT_PRODUCT:
    add_product (w, formula->items, formula->count);
    break;
  case IDENT_SUM:
    add_sum (w, formula);
    break;
  case IDENT_RATIO:
    add_bracketed (w, formula->items[0]);
    add (w, " / ");
    add_bracketed (w, formula->items[1]);
    break;
  }
}

adze_status
ident_write (const ident_room *room, const ident_formula *formula, adze_bytes *text)
{
  writer w = { .room = room, .text = text };
  for IDENT_EACH (v, formula->free)
    w.known[v] = 1;
  add_formula (&w, formula);
  return w.status;
}
