/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c: the plainest way of identifying an effect, as a formula and as a sentence. */
#include <stdarg.h>

#include "identify.h"

/* ---- Formulas whose form says what is done. */

/* sum_{Z} P(Z) P(Y|X,Z) */
static const ident_formula *
adjusted (ident_run *r, ident_set z)
{
  ident_room *room = &r->room;
  const ident_formula *items[2] = { ident_p (room, r->y, ident_or (r->x, z)), NULL };
  if (ident_empty (z))
    return items[0];
  items[1] = items[0];
  items[0] = ident_p (room, z, ident_none ());
  const ident_formula *body = ident_plain (room, IDENT_PRODUCT, ident_none (), items, 2);
  return ident_plain (room, IDENT_SUM, z, &body, 1);
}

/* sum_{M} P(M|X) sum_{X'} P(X') P(Y|M,X') */
static const ident_formula *
through_front_door (ident_run *r, ident_set m)
{
  ident_room *room = &r->room;
  const ident_formula *items[2]
      = { ident_p (room, r->x, ident_none ()), ident_p (room, r->y, ident_or (r->x, m)) };
  const ident_formula *body = ident_plain (room, IDENT_PRODUCT, ident_none (), items, 2);
  items[0] = ident_p (room, m, r->x);
  items[1] = ident_plain (room, IDENT_SUM, r->x, &body, 1);
  body = ident_plain (room, IDENT_PRODUCT, ident_none (), items, 2);
  return ident_plain (room, IDENT_SUM, m, &body, 1);
}

static bool
has_no_effect (const ident_run *r)
{
  const ident_view whole = ident_whole (&r->graph);
  return !ident_meet (ident_ancestors (&whole, r->y), r->x);
}

/* The complete algorithm has the word; where it finds a formula, a plainer one may say the same. */
static adze_status
choose (ident_run *r)
{
  const bool plain = strcmp (adze_param_string (r->host, r->params, "form"), "plainest") == 0;
  adze_status status = ident_identify (&r->room, r->y, r->x, r->given, &r->formula, &r->hedge);
  if (status != ADZE_OK || !r->formula)
    return status;
  r->method = IDENT_GENERAL;
  if (!plain || !ident_empty (r->given))
    return ADZE_OK;
  if (has_no_effect (r)) {
    r->method = IDENT_NO_EFFECT;
    r->formula = ident_p (&r->room, r->y, ident_none ());
  } else if (r->backdoors.count > 0) {
    r->method = IDENT_BACKDOOR;
    r->formula = adjusted (r, r->backdoors.items[0]);
  } else if (r->front_doors.count > 0) {
    r->method = IDENT_FRONT_DOOR;
    r->formula = through_front_door (r, r->front_doors.items[0]);
  }
  return r->formula ? ADZE_OK : ADZE_E_MEMORY;
}

/* ---- Words. */

static adze_status
say (const ident_run *r, adze_bytes *text, const char *words)
{
  return adze_bytes_add (r->host, text, words, strlen (words));
}

/* Words and sets in turn, ended by NULL instead of words. */
static adze_status
tell (const ident_run *r, adze_bytes *text, const char *words, ...)
{
  va_list arguments;
  adze_status status = ADZE_OK;
  va_start (arguments, words);
  while (status == ADZE_OK && words) {
    status = say (r, text, words);
    const ident_set *set = va_arg (arguments, const ident_set *);
    if (status == ADZE_OK && set)
      status = ident_write_names (r->host, &r->graph, *set, text);
    words = set ? va_arg (arguments, const char *) : NULL;
  }
  va_end (arguments);
  return status;
}

static adze_status
write_question (ident_run *r)
{
  adze_bytes *text = &r->question;
  adze_status status = tell (r, text, "P(", &r->y, "|do(", &r->x, ")", NULL);
  if (status == ADZE_OK && !ident_empty (r->given))
    status = tell (r, text, ",", &r->given, "", NULL);
  return status == ADZE_OK ? adze_bytes_add (r->host, text, ")", 2) : status;
}

static adze_status
write_text (ident_run *r)
{
  adze_status status = say (r, &r->text, r->question.data);
  if (status == ADZE_OK)
    status = say (r, &r->text, r->formula ? " = " : " is not identifiable");
  if (status == ADZE_OK && r->formula)
    status = ident_write (&r->room, r->formula, &r->text);
  return status == ADZE_OK ? adze_bytes_add (r->host, &r->text, "", 1) : status;
}

static adze_status
say_backdoor (ident_run *r, adze_bytes *text)
{
  const ident_set *z = &r->backdoors.items[0];
  if (ident_empty (*z))
    return tell (r, text, "Nothing stands behind both ", &r->x, " and ", &r->y,
                 ": what is seen of the one with the other is the effect.", NULL);
  return tell (r, text, "Compare ", &r->y, " between values of ", &r->x, " among those that are alike in ", z,
               ", and take the mean over how often each of those values occurs: they block every way by which "
               "something else makes the two go together.",
               NULL);
}

static adze_status
say_general (ident_run *r, adze_bytes *text)
{
  ident_set mentioned = ident_less (ident_less (r->formula->free, ident_or (r->x, r->y)), r->given);
  adze_status status = tell (r, text, "No single set is enough to adjust for, or none was looked for; the formula is "
                                      "put together out of what is seen, by the rules of intervention, for ",
                             &r->y, " when ", &r->x, " is set.", NULL);
  if (status == ADZE_OK && !ident_empty (mentioned))
    status = tell (r, text, " It holds for any value of ", &mentioned, ", as long as all that it asks for occurs.",
                   NULL);
  return status;
}

static adze_status
write_sentence (ident_run *r)
{
  adze_bytes *text = &r->sentence;
  adze_status status = ADZE_OK;
  switch (r->method) {
  case IDENT_NO_WAY:
    status = tell (r, text, "However much is seen, the effect of ", &r->x, " on ", &r->y,
                   " is not settled: hidden causes join ", &r->hedge.outer, " and, among those, ", &r->hedge.inner,
                   ", both of which lead to ", &r->hedge.roots, ".", NULL);
    break;
  case IDENT_NO_EFFECT:
    status = tell (r, text, "No arrows lead from ", &r->x, " to ", &r->y, ": setting the one leaves the other as it is.",
                   NULL);
    break;
  case IDENT_BACKDOOR:
    status = say_backdoor (r, text);
    break;
  case IDENT_FRONT_DOOR:
    status = tell (r, text, "All that ", &r->x, " does to ", &r->y, " goes through ", &r->front_doors.items[0],
                   ": what it does there is what is seen, and what that does in turn is seen among those that are "
                   "alike in ",
                   &r->x, ".", NULL);
    break;
  case IDENT_GENERAL:
    status = say_general (r, text);
    break;
  }
  return status == ADZE_OK ? adze_bytes_add (r->host, text, "", 1) : status;
}

adze_status
ident_answer (ident_run *r)
{
  const ident_watch watch = { r->host, r->run, r->context };
  adze_status status = ident_backdoors (&watch, &r->graph, r->x, r->y, &r->backdoors);
  if (status == ADZE_OK)
    status = ident_front_doors (&watch, &r->graph, r->x, r->y, &r->front_doors);
  if (status == ADZE_OK)
    status = ident_find_instruments (&watch, &r->graph, r->x, r->y, &r->instruments);
  if (status == ADZE_OK)
    status = choose (r);
  if (status == ADZE_OK)
    status = write_question (r);
  if (status == ADZE_OK)
    status = write_text (r);
  return status == ADZE_OK ? write_sentence (r) : status;
}
