/* SPDX-License-Identifier: Apache-2.0 */
/* run/decide.c: accumulators kept as they were decided on, and decisions taken on them once more.
 *
 * What a technique decides depends on its parameters and its accumulators alone, so whoever has the
 * accumulators can have the decision again: a run that goes on, a result that was found, and
 * `adze why`. */
#include <string.h>

#include "run/execution.h"

/* ---- Ledgers. */

/* "adze.decided/1" and the size of an entry stand in front of the entries, in memory as in a file: where
 * there is an entry a tensor a ledger is large, and is not to be there twice for being written. */
typedef struct ledger_head {
  char magic[16];
  uint64_t entry;
  uint64_t size;
} ledger_head;

static const char magic[16] = "adze.decided/1";

void
adze_ledger_cleanup (adze_ledger *ledger)
{
  free (ledger->block);
  *ledger = (adze_ledger){ 0 };
}

static char *
entries_in (const adze_ledger *ledger)
{
  return ledger->block + sizeof (ledger_head);
}

/* For one more round of looking: COUNT entries. */
static adze_error *
make_room (adze_ledger *ledger, size_t count)
{
  size_t more;
  if (__builtin_mul_overflow (count, ledger->entry, &more)
      || more > SIZE_MAX - sizeof (ledger_head) - ledger->size)
    return adze_error_memory ();
  char *block = realloc (ledger->block, sizeof (ledger_head) + ledger->size + more);
  if (!block)
    return adze_error_memory ();
  ledger->block = block;
  return NULL;
}

/* There is room. */
static void
add_entry (adze_ledger *ledger, const void *accumulator)
{
  memcpy (entries_in (ledger) + ledger->size, accumulator, ledger->entry);
  ledger->size += ledger->entry;
}

/* Fills the head in; *SIZE: of the whole block. */
static adze_error *
finish_block (adze_ledger *ledger, size_t *size)
{
  ledger_head head = { .entry = ledger->entry, .size = ledger->size };
  if (!ledger->block)
    ADZE_TRY (make_room (ledger, 0));
  memcpy (head.magic, magic, sizeof magic);
  memcpy (ledger->block, &head, sizeof head);
  *size = sizeof head + ledger->size;
  return NULL;
}

/* Takes BLOCK over where it is one. */
static void
take_block (char **block, size_t size, adze_ledger *ledger, bool *found)
{
  ledger_head head;
  *found = false;
  if (size < sizeof head)
    return;
  memcpy (&head, *block, sizeof head);
  if (memcmp (head.magic, magic, sizeof magic) != 0 || head.size != size - sizeof head
      || head.entry == 0 || head.size % head.entry != 0)
    return;
  *ledger = (adze_ledger){ adze_take (block), head.size, head.entry };
  *found = true;
}

adze_error *
adze_ledger_write (const char *path, adze_ledger *ledger)
{
  size_t size;
  ADZE_TRY (finish_block (ledger, &size));
  return adze_file_write (path, ledger->block, size, 0666);
}

adze_error *
adze_ledger_read (const char *path, adze_ledger *ledger, bool *found)
{
  ADZE_AUTO_FREE char *bytes = NULL;
  size_t size = 0;
  adze_error *error = adze_file_read (path, (size_t)1 << 30, &bytes, &size);
  *found = false;
  if (error && adze_error_status (error) == ADZE_E_NOT_FOUND) {
    adze_error_free (error);
    return NULL;
  }
  if (!error)
    take_block (&bytes, size, ledger, found);
  return error;
}

static adze_error *
note_name (const adze_execution *x, size_t number, char **name)
{
  *name = adze_text_format ("decided.%s", x->plan->stages[number].stage->id);
  return *name ? NULL : adze_error_memory ();
}

adze_error *
adze_ledger_keep (adze_execution *x, size_t number, adze_hash128 journal,
                  adze_ledger *ledger)
{
  ADZE_AUTO_FREE char *name = NULL;
  size_t size;
  ADZE_TRY (note_name (x, number, &name));
  ADZE_TRY (finish_block (ledger, &size));
  return adze_journal_note (x->folder, journal, name, ledger->block, size);
}

adze_error *
adze_ledger_find (adze_execution *x, size_t number, adze_hash128 journal, adze_ledger *ledger,
                  bool *found)
{
  ADZE_AUTO_FREE char *name = NULL;
  void *noted = NULL;
  size_t size = 0;
  *found = false;
  ADZE_TRY (note_name (x, number, &name));
  ADZE_TRY (adze_journal_noted (x->folder, journal, name, &noted, &size));
  ADZE_AUTO_FREE char *block = noted;
  if (block)
    take_block (&block, size, ledger, found);
  return NULL;
}

/* ---- Decisions. */

/* A group without its data: metas and parameters are all that decide may look at. */
static adze_error *
decide_on_group (const adze_plan_stage *planned, size_t number, const void *accumulator,
                 size_t size, bool *again)
{
  const adze_outline_group *group = &planned->outline.groups[number];
  adze_tensor *tensors = calloc (group->input_count, sizeof *tensors);
  const adze_tensor **inputs = calloc (group->input_count, sizeof *inputs);
  adze_error *error = tensors && inputs ? NULL : adze_error_memory ();
  const adze_tensor_meta *whole = NULL;
  for (size_t i = 0; !error && i < group->input_count; i++) {
    const adze_plan_port *port = &planned->ports[group->inputs[i].port];
    const adze_tensor_meta *meta = port->shown[group->inputs[i].index].meta;
    tensors[i] = (adze_tensor){ .struct_size = sizeof *tensors,
                                .name = meta->name,
                                .view = { .device = { ADZE_DEVICE_CPU, 0 },
                                          .rank = meta->rank,
                                          .dtype = meta->dtype,
                                          .shape = (int64_t *)meta->shape },
                                .codec = meta->codec,
                                .byte_size = meta->byte_size };
    inputs[i] = &tensors[i];
    whole = i == 0 ? meta : whole;
  }
  if (!error) {
    const adze_pick *pick = &group->inputs[0];
    adze_work work = { .inputs = inputs,
                       .input_count = group->input_count,
                       .variant = planned->ports[pick->port].shown[pick->index].variant,
                       .group = number,
                       .whole = whole };
    error = adze_instance_decide (planned->instance, &work, accumulator, size, again);
  }
  free (tensors);
  free (inputs);
  return error;
}

/* All that is decided after one time of looking at everything. ENTRIES are as many as there are
 * groups, or one. */
static adze_error *
decide_round (const adze_plan *plan, size_t number, const char *const *entries, size_t size,
              bool *again)
{
  const adze_plan_stage *planned = &plan->stages[number];
  *again = false;
  if (planned->facts->accumulate != ADZE_OVER_GROUP)
    return adze_instance_decide (planned->instance, NULL, entries[0], size, again);
  for (size_t i = 0; i < planned->outline.group_count; i++) {
    bool more = false;
    if (adze_outline_seen (&planned->outline, &planned->outline.groups[i]))
      ADZE_TRY (decide_on_group (planned, i, entries[i], size, &more));
    *again = *again || more;
  }
  bool more = false;
  ADZE_TRY (adze_instance_decide (planned->instance, NULL, NULL, 0, &more));
  *again = *again || more;
  return NULL;
}

static size_t
entries_of (const adze_plan_stage *planned)
{
  return planned->facts->accumulate == ADZE_OVER_GROUP ? planned->outline.group_count : 1;
}

adze_error *
adze_decide (adze_execution *x, adze_pass *pass, size_t number, adze_ledger *ledger, bool *again)
{
  const adze_plan_stage *planned = &x->plan->stages[number];
  adze_pass_observer *observer = adze_pass_observer_of (pass, number);
  size_t count = entries_of (planned);
  ADZE_AUTO_FREE const char **entries = calloc (count + 1, sizeof *entries);
  ADZE_AUTO_FREE char *empty = calloc (1, observer->size + 1);
  if (!entries || !empty)
    return adze_error_memory ();
  ledger->entry = observer->size;
  ADZE_TRY (make_room (ledger, count));
  for (size_t i = 0; i < count; i++) {
    const char *seen = observer->by_group ? observer->groups[i] : observer->whole.root;
    entries[i] = seen ? seen : empty; /* nothing was there to be seen */
    add_entry (ledger, entries[i]);
  }
  return decide_round (x->plan, number, entries, observer->size, again);
}

adze_error *
adze_decide_again (adze_plan *plan, size_t number, const adze_ledger *ledger, bool *enough)
{
  size_t count = entries_of (&plan->stages[number]), round = count * ledger->entry;
  ADZE_AUTO_FREE const char **entries = calloc (count + 1, sizeof *entries);
  bool again = true;
  if (!entries)
    return adze_error_memory ();
  *enough = false;
  if (count == 0) {
    ADZE_TRY (decide_round (plan, number, entries, ledger->entry, &again));
    *enough = true;
    return NULL;
  }
  for (size_t at = 0; round > 0 && again && at + round <= ledger->size; at += round) {
    for (size_t i = 0; i < count; i++)
      entries[i] = entries_in (ledger) + at + i * ledger->entry;
    ADZE_TRY (decide_round (plan, number, entries, ledger->entry, &again));
  }
  *enough = !again;
  return NULL;
}
