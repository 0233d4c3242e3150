/* SPDX-License-Identifier: Apache-2.0 */
/* What describe says, held against what can be. It comes from a plugin: every number is looked at
 * before it is used for anything. */
#include "stage/outline.h"

#include <string.h>

#include "base/json.h"
#include "graph/graph.h"

/* More outputs of one group, longer names and notes than these are mistakes. */
enum { OUTPUTS_MOST = 65536, NAME_MOST = 65535, NOTE_MOST = 1000, META_SIZE_MOST = 4096 };

#define GROUP_LEAST (offsetof (adze_group, note) + sizeof (((adze_group *)0)->note))
#define META_LEAST \
  (offsetof (adze_tensor_meta, byte_size) + sizeof (((adze_tensor_meta *)0)->byte_size))

static void
clear_group (adze_outline_group *group)
{
  for (size_t i = 0; group->outputs && i < group->output_count; i++)
    free (group->outputs[i]);
  free (group->outputs);
  free (group->inputs);
  free (group->note);
  *group = (adze_outline_group){ 0 };
}

void
adze_outline_clear (adze_outline *outline)
{
  for (size_t i = 0; i < outline->group_count; i++)
    clear_group (&outline->groups[i]);
  for (size_t i = 0; i < outline->edit_count; i++) {
    free (outline->edits[i].key);
    adze_metadata_cleanup (&outline->edits[i].holder);
  }
  for (size_t i = 0; i < outline->trait_count; i++) {
    free (outline->traits[i].tensor);
    free (outline->traits[i].id);
    adze_value_free (outline->traits[i].json);
  }
  free (adze_take (&outline->groups));
  free (adze_take (&outline->edits));
  free (adze_take (&outline->traits));
  free (adze_take (&outline->taken));
  adze_value_free (adze_take (&outline->lent));
  adze_value_free (adze_take (&outline->codecs));
  adze_graph_free (adze_take (&outline->network));
  outline->group_count = outline->edit_count = outline->trait_count = 0;
  outline->failed = false;
}

bool
adze_outline_shows (const adze_meta *value)
{
  enum { TEXT_MOST = 4096, ITEMS_MOST = 4096 };
  if (value->type == ADZE_META_STRING)
    return value->text.size <= TEXT_MOST;
  return value->type != ADZE_META_ARRAY
         || (adze_meta_number_size (value->item) > 0 && value->count <= ITEMS_MOST);
}

const adze_outline_tensor *
adze_outline_at (const adze_outline *outline, adze_pick pick)
{
  if (pick.port >= outline->port_count || pick.index >= outline->ports[pick.port].count)
    return NULL;
  return &outline->ports[pick.port].tensors[pick.index];
}

/* ---- One group. */

/* Place of a tensor among all of all ports. */
static size_t
place_of (const adze_outline *outline, adze_pick pick)
{
  size_t place = pick.index;
  for (uint32_t i = 0; i < pick.port; i++)
    place += outline->ports[i].count;
  return place;
}

static adze_error *
make_taken (adze_outline *outline)
{
  size_t count = 1;
  for (size_t i = 0; i < outline->port_count; i++)
    count += outline->ports[i].count;
  if (!outline->taken && !(outline->taken = calloc (count, sizeof *outline->taken)))
    return adze_error_memory ();
  return NULL;
}

/* Copies the picks; those that are not there, or twice in it, or in another group, are refused. */
static adze_error *
take_inputs (adze_outline *outline, const adze_group *given, adze_outline_group *group)
{
  size_t all = 0;
  for (size_t i = 0; i < outline->port_count; i++)
    all += outline->ports[i].count;
  if (given->input_count == 0 || !given->inputs)
    return adze_error_new (ADZE_E_CONTRACT, "a group has no inputs");
  if (given->input_count > all)
    return adze_error_new (ADZE_E_CONTRACT, "a group has %u inputs, and there are %zu tensors",
                           given->input_count, all);
  group->inputs = calloc (given->input_count, sizeof *group->inputs);
  if (!group->inputs)
    return adze_error_memory ();
  for (uint32_t i = 0; i < given->input_count; i++) {
    adze_pick pick = given->inputs[i];
    const adze_outline_tensor *tensor = adze_outline_at (outline, pick);
    if (!tensor)
      return adze_error_new (ADZE_E_CONTRACT,
                             "a group has the input { port %u, index %u }, which is not there",
                             pick.port, pick.index);
    bool *taken = &outline->taken[place_of (outline, pick)];
    if (*taken)
      return adze_error_new (ADZE_E_CONTRACT, "'%s' is in two groups, or twice in one",
                             tensor->meta->name);
    *taken = true;
    group->inputs[group->input_count++] = pick;
  }
  return NULL;
}

/* A refused group has taken nothing. */
static void
give_inputs_back (adze_outline *outline, const adze_outline_group *group)
{
  for (size_t i = 0; i < group->input_count; i++)
    outline->taken[place_of (outline, group->inputs[i])] = false;
}

/* What cannot be is the plugin's fault; that there is no memory is nobody's. */
static adze_error *
impossible (adze_error *error, const char *name)
{
  adze_status status = adze_error_status (error);
  if (status == ADZE_E_MEMORY)
    return error;
  adze_error *broken = adze_error_new (ADZE_E_CONTRACT, "the output '%s' cannot be: %s", name,
                                       adze_error_message (error));
  adze_error_free (error);
  return broken;
}

static adze_error *
read_output (const void *raw, uint32_t size, const char *first, adze_tensor_meta **output)
{
  adze_tensor_meta meta = { 0 };
  uint64_t elements, bytes;
  memcpy (&meta, raw, size < sizeof meta ? size : sizeof meta);
  meta.struct_size = sizeof meta;
  meta.reserved = 0;
  if (!meta.name || !meta.name[0] || strnlen (meta.name, NAME_MOST + 1) > NAME_MOST)
    return adze_error_new (ADZE_E_CONTRACT, "an output of '%s' has no name, or an endless one",
                           first);
  if (meta.codec && (!meta.codec[0] || strnlen (meta.codec, 257) > 256))
    return adze_error_new (ADZE_E_CONTRACT, "the output '%s' has a codec without a name, or with "
                           "an endless one", meta.name);
  adze_error *error = adze_tensor_meta_size (&meta, &elements, &bytes);
  if (error)
    return impossible (error, meta.name);
  meta.byte_size = bytes;
  *output = adze_tensor_meta_copy (&meta);
  return *output ? NULL : adze_error_memory ();
}

static adze_error *
take_outputs (const adze_outline *outline, const adze_group *given, const char *first,
              adze_outline_group *group)
{
  if (given->output_count == 0)
    return NULL;
  if (outline->effect == ADZE_INSPECTS)
    return adze_error_new (ADZE_E_CONTRACT,
                           "it gives outputs for '%s', and its table says that it only inspects",
                           first);
  if (!given->outputs || given->output_count > OUTPUTS_MOST)
    return adze_error_new (ADZE_E_CONTRACT, "the group of '%s' has %u outputs at %s", first,
                           given->output_count, given->outputs ? "once" : "no address");
  if (given->meta_size < META_LEAST || given->meta_size > META_SIZE_MOST
      || given->meta_size % _Alignof (adze_tensor_meta) != 0)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the group of '%s' has the .meta_size %u; say .meta_size = sizeof "
                           "(adze_tensor_meta)", first, given->meta_size);
  group->outputs = calloc (given->output_count, sizeof *group->outputs);
  if (!group->outputs)
    return adze_error_memory ();
  for (uint32_t i = 0; i < given->output_count; i++) {
    const char *raw = (const char *)given->outputs + (size_t)i * given->meta_size;
    ADZE_TRY (read_output (raw, given->meta_size, first, &group->outputs[i]));
    group->output_count++;
  }
  return NULL;
}

/* ---- Do they fit together? */

static const adze_tensor_meta *
input_of (const adze_outline *outline, const adze_outline_group *group, size_t index)
{
  return adze_outline_at (outline, group->inputs[index])->meta;
}

static adze_error *
check_same_bytes (const adze_outline *outline, const adze_outline_group *group)
{
  if (!group->same_bytes)
    return NULL;
  const adze_tensor_meta *input = input_of (outline, group, 0);
  if (group->input_count != 1 || group->output_count != 1)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the bytes of '%s' are to stay the same in a group of %zu inputs and "
                           "%zu outputs; one and one are possible",
                           input->name, group->input_count, group->output_count);
  const adze_tensor_meta *output = group->outputs[0];
  uint64_t elements = 0, others = 0, bytes;
  ADZE_TRY (adze_tensor_meta_size (input, &elements, &bytes));
  ADZE_TRY (adze_tensor_meta_size (output, &others, &bytes));
  bool same_type = memcmp (&input->dtype, &output->dtype, sizeof input->dtype) == 0
                   && !input->codec == !output->codec
                   && (!input->codec || strcmp (input->codec, output->codec) == 0);
  if (elements == others && input->byte_size == output->byte_size && same_type)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT,
                         "the bytes of '%s' are to stay the same, and its output is of another "
                         "type or number of elements", input->name);
}

/* Rows and their length, or elements and 1: what tensors that are cut alike must agree in. */
static void
cut_of (const adze_tensor_meta *meta, uint32_t grain, uint64_t *number, uint64_t *size)
{
  *size = 1;
  if (grain == ADZE_GRAIN_ROW && meta->rank > 0)
    *size = (uint64_t)meta->shape[meta->rank - 1];
  *number = *size > 0 ? adze_tensor_meta_elements (meta) / *size : 0;
}

static bool
same_rows (const adze_tensor_meta *first, const adze_tensor_meta *other, uint32_t row_rank)
{
  return other->rank >= (int32_t)row_rank && first->rank >= (int32_t)row_rank
         && memcmp (first->shape, other->shape, row_rank * sizeof *first->shape) == 0;
}

static adze_error *
check_cut (const adze_tensor_meta *first, const adze_tensor_meta *other, adze_cut cut)
{
  const uint32_t grain = cut.grain;
  uint64_t first_number, first_size, number, size;
  if (cut.row_rank == 0) {
    ADZE_TRY (adze_piece_check (other, cut));
    cut_of (first, grain, &first_number, &first_size);
    cut_of (other, grain, &number, &size);
    if (number == first_number && size == first_size)
      return NULL;
  } else if (same_rows (first, other, cut.row_rank))
    return adze_piece_check (other, cut);
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_shape_text (first->rank, first->shape, &text);
  adze_buffer_text (&text, " and ");
  adze_shape_text (other->rank, other->shape, &text);
  if (cut.row_rank > 0)
    return adze_error_new (ADZE_E_CONTRACT,
                           "'%s' and '%s' are in one group, whose rows their first %u dimensions are to "
                           "count; they are %s",
                           first->name, other->name, cut.row_rank,
                           text.data ? text.data : "too large to show");
  return adze_error_new (ADZE_E_CONTRACT,
                         "'%s' and '%s' are in one group, and a technique of grain %s needs the "
                         "same number of %s in both; they are %s",
                         first->name, other->name, grain == ADZE_GRAIN_ROW ? "row" : "element",
                         grain == ADZE_GRAIN_ROW ? "rows of the same length" : "elements",
                         text.data ? text.data : "too large to show");
}

static adze_error *
check_grain (const adze_outline *outline, const adze_outline_group *group)
{
  bool seen = !group->same_bytes && (group->output_count > 0 || outline->effect == ADZE_INSPECTS);
  const adze_cut cut = adze_outline_cut (outline, group, false);
  if (cut.grain == ADZE_GRAIN_TENSOR || !seen)
    return NULL;
  const adze_tensor_meta *first = input_of (outline, group, 0);
  for (size_t i = 0; i < group->input_count; i++)
    ADZE_TRY (check_cut (first, input_of (outline, group, i), cut));
  for (size_t i = 0; i < group->output_count; i++)
    if (!adze_outline_once (group, i))
      ADZE_TRY (check_cut (first, group->outputs[i], cut));
  return NULL;
}

static adze_error *
take_rows (const adze_group *given, const char *first, adze_outline_group *group)
{
  const size_t outputs = group->output_count;
  group->row_rank = given->row_rank;
  group->observes_whole = given->observes_whole != 0;
  group->once = given->once;
  group->scratch = given->scratch;
  if (group->scratch > (UINT64_C (1) << 48))
    return adze_error_new (ADZE_E_CONTRACT, "the group of '%s' needs %llu bytes of .scratch, and no machine has as many",
                           first, (unsigned long long)group->scratch);
  if (group->row_rank > ADZE_RANK_MAX)
    return adze_error_new (ADZE_E_CONTRACT, "the group of '%s' has the .row_rank %u; 0 to %d are possible",
                           first, group->row_rank, ADZE_RANK_MAX);
  if (group->row_rank == 0 && (group->observes_whole || group->once))
    return adze_error_new (ADZE_E_CONTRACT,
                           "the group of '%s' has .observes_whole or .once, and no .row_rank", first);
  if ((group->once & 1) != 0 || (outputs < 64 && group->once >> outputs != 0))
    return adze_error_new (ADZE_E_CONTRACT,
                           "the group of '%s' has an output in .once that is the first one, or is not there",
                           first);
  return NULL;
}

static adze_error *
fill_group (adze_outline *outline, const adze_group *given, adze_outline_group *group)
{
  ADZE_TRY (take_inputs (outline, given, group));
  const char *first = input_of (outline, group, 0)->name;
  ADZE_TRY (take_outputs (outline, given, first, group));
  group->same_bytes = given->same_bytes != 0;
  group->at_most = given->at_most != 0;
  if (group->at_most && outline->final)
    return adze_error_new (ADZE_E_CONTRACT,
                           "the outputs of '%s' are given as a bound, and this was the time to say "
                           "what they are", first);
  if (given->note && !(group->note = strndup (given->note, NOTE_MOST)))
    return adze_error_memory ();
  ADZE_TRY (check_same_bytes (outline, group));
  ADZE_TRY (take_rows (given, first, group));
  return check_grain (outline, group);
}

/* Room for one more of something of SIZE bytes; capacities are powers of two. */
static adze_error *
grow (void *list, size_t count, size_t size)
{
  void **slot = list;
  if (count > 0 && (count & (count - 1)) != 0)
    return NULL;
  size_t capacity = count > 0 ? 2 * count : 1;
  void *grown = reallocarray (*slot, capacity, size);
  if (!grown)
    return adze_error_memory ();
  *slot = grown;
  return NULL;
}

adze_error *
adze_outline_add (adze_outline *outline, const adze_group *raw)
{
  adze_group given = { 0 };
  adze_outline_group group = { 0 };
  if (!raw || raw->struct_size < GROUP_LEAST || raw->struct_size > ADZE_STRUCT_SIZE_MAX)
    return adze_error_new (ADZE_E_CONTRACT,
                           "a group has an absurd size; say .struct_size = sizeof (adze_group)");
  memcpy (&given, raw, raw->struct_size < sizeof given ? raw->struct_size : sizeof given);
  ADZE_TRY (make_taken (outline));
  ADZE_TRY (grow (&outline->groups, outline->group_count, sizeof *outline->groups));
  adze_error *error = fill_group (outline, &given, &group);
  if (error) {
    give_inputs_back (outline, &group);
    clear_group (&group);
    return error;
  }
  outline->groups[outline->group_count++] = group;
  return NULL;
}

adze_error *
adze_outline_add_all (adze_outline *outline)
{
  for (size_t i = 0; outline->port_count > 0 && i < outline->ports[0].count; i++) {
    adze_pick pick = { 0, (uint32_t)i };
    adze_group group = { .struct_size = sizeof group,
                         .input_count = 1,
                         .inputs = &pick,
                         .outputs = outline->ports[0].tensors[i].meta,
                         .output_count = outline->effect != ADZE_INSPECTS,
                         .meta_size = sizeof (adze_tensor_meta) };
    ADZE_TRY (adze_outline_add (outline, &group));
  }
  return NULL;
}

/* ---- Named values and traits. */

static adze_error *
only_inspects (const adze_outline *outline, const char *what)
{
  if (outline->effect != ADZE_INSPECTS)
    return NULL;
  return adze_error_new (ADZE_E_CONTRACT, "it sets %s, and its table says that it only inspects",
                         what);
}

static adze_error *
make_edit (adze_text key, const adze_meta *value, adze_outline_edit *edit)
{
  edit->key = malloc (key.size + 1);
  if (!edit->key)
    return adze_error_memory ();
  memcpy (edit->key, key.data, key.size);
  edit->key[key.size] = '\0';
  edit->key_size = key.size;
  edit->remove = !value;
  return value ? adze_metadata_set (&edit->holder, key.data, key.size, value) : NULL;
}

adze_error *
adze_outline_metadata (adze_outline *outline, adze_text key, const adze_meta *value)
{
  adze_outline_edit edit = { 0 };
  ADZE_TRY (only_inspects (outline, "metadata"));
  if (!key.data || key.size == 0 || key.size > NAME_MOST)
    return adze_error_new (ADZE_E_CONTRACT, "a named value has no name, or an endless one");
  if (value)
    ADZE_TRY (adze_meta_check (value));
  ADZE_TRY (grow (&outline->edits, outline->edit_count, sizeof *outline->edits));
  adze_error *error = make_edit (key, value, &edit);
  if (error) {
    free (edit.key);
    adze_metadata_cleanup (&edit.holder);
    return error;
  }
  outline->edits[outline->edit_count++] = edit;
  return NULL;
}

static adze_error *
parse_trait (const char *tensor, const char *id, const char *json, adze_value **value)
{
  enum { JSON_MOST = 1 << 20 };
  ADZE_AUTO (adze_document) document = { 0 };
  size_t size = strnlen (json, JSON_MOST + 1);
  adze_error *error = size > JSON_MOST
                          ? adze_error_new (ADZE_E_LIMIT, "it is longer than 1 MiB")
                          : adze_json_parse ("<trait>", json, size, &document);
  if (!error && document.root->type != ADZE_VALUE_TABLE)
    error = adze_error_new (ADZE_E_CONTRACT, "it is no object");
  if (error)
    return adze_error_wrap (error, "the trait '%s' of '%s' cannot be kept", id, tensor);
  *value = adze_take (&document.root);
  return NULL;
}

adze_error *
adze_outline_trait_text (adze_outline *outline, const char *tensor, const char *id,
                         const char *json)
{
  ADZE_AUTO_VALUE value = NULL;
  ADZE_TRY (only_inspects (outline, "a trait"));
  if (!tensor || strnlen (tensor, NAME_MOST + 1) > NAME_MOST || !id || !id[0]
      || strnlen (id, 257) > 256)
    return adze_error_new (ADZE_E_CONTRACT, "a trait has no tensor or no id, or an endless one");
  if (json)
    ADZE_TRY (parse_trait (tensor, id, json, &value));
  ADZE_TRY (grow (&outline->traits, outline->trait_count, sizeof *outline->traits));
  adze_outline_trait trait = { .tensor = strdup (tensor), .id = strdup (id) };
  if (!trait.tensor || !trait.id) {
    free (trait.tensor);
    free (trait.id);
    return adze_error_memory ();
  }
  trait.json = adze_take (&value);
  outline->traits[outline->trait_count++] = trait;
  return NULL;
}

/* ---- The whole. */

static int
by_name (const void *left, const void *right)
{
  return strcmp (*(const char *const *)left, *(const char *const *)right);
}

/* Names of all that goes out, sorted. */
static adze_error *
output_names (const adze_outline *outline, const char ***names, size_t *count)
{
  size_t most = outline->port_count > 0 ? outline->ports[0].count : 0;
  for (size_t i = 0; i < outline->group_count; i++)
    most += outline->groups[i].output_count;
  const char **all = calloc (most + 1, sizeof *all);
  if (!all)
    return adze_error_memory ();
  size_t used = 0;
  for (size_t i = 0; i < outline->group_count; i++)
    for (size_t k = 0; k < outline->groups[i].output_count; k++)
      all[used++] = outline->groups[i].outputs[k]->name;
  for (size_t i = 0; outline->port_count > 0 && i < outline->ports[0].count; i++)
    if (!outline->taken || !outline->taken[i])
      all[used++] = outline->ports[0].tensors[i].meta->name;
  qsort (all, used, sizeof *all, by_name);
  *names = all;
  *count = used;
  return NULL;
}

adze_error *
adze_outline_check (const adze_outline *outline)
{
  ADZE_AUTO_FREE const char **names = NULL;
  size_t count = 0;
  if (outline->failed)
    return adze_error_memory ();
  if (outline->effect == ADZE_INSPECTS)
    return NULL;
  ADZE_TRY (output_names (outline, &names, &count));
  for (size_t i = 1; i < count; i++)
    if (strcmp (names[i - 1], names[i]) == 0)
      return adze_error_new (ADZE_E_CONTRACT, "two tensors that go out have the name '%s'",
                             names[i]);
  for (size_t i = 0; i < outline->trait_count; i++)
    if (!bsearch (&outline->traits[i].tensor, names, count, sizeof *names, by_name))
      return adze_error_new (ADZE_E_CONTRACT,
                             "the trait '%s' is set on '%s', and no such tensor goes out",
                             outline->traits[i].id, outline->traits[i].tensor);
  return NULL;
}
