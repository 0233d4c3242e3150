/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensors take part, of which rank they are to be, and what becomes of them: two factors, whose names say
 * where they come from. */
#include <stdio.h>
#include <string.h>

#include "low-rank.h"

void
low_rank_clear (const adze_host *host, low_rank *self)
{
  adze_entries_clear (host, &self->entries);
  adze_entries_clear (host, &self->stayed);
  self->tensors = self->numbers = self->kept = 0;
  self->least_energy = 1;
  self->largest_error = 0;
}

/* ---- Ranks. */

adze_status
low_rank_too_large (const adze_host *host, const low_rank_entry *entry, const char *name, size_t rank)
{
  return adze_fail (host, ADZE_E_PARAM,
                    "tensor '%s', %zu by %zu, would be larger as factors of rank %zu; the most that is not is "
                    "%zu; ask for less by a rule, say on-larger = \"skip\", or leave the tensor out with skip = "
                    "true",
                    name, entry->rows, entry->columns, rank, entry->most);
}

adze_status
low_rank_stays (const adze_host *host, low_rank *self, const char *name, size_t rank, size_t most)
{
  const low_rank_stayed stayed = { NULL, rank, most };
  return adze_entries_add (host, &self->stayed, &stayed, sizeof stayed, name);
}

/* Numbers of factors, a rank. */
static double
numbers_of_one (const low_rank_entry *entry)
{
  return (double)entry->rows + (double)entry->columns;
}

static adze_status
read_rank (const adze_host *host, const adze_params *asked, const char *name, low_rank_entry *entry)
{
  int64_t rank = adze_param_int (host, asked, "rank");
  double ratio = adze_param_float (host, asked, "ratio"), numbers = (double)entry->rows * (double)entry->columns;
  entry->energy = adze_param_float (host, asked, "energy");
  entry->most = (size_t)(numbers / numbers_of_one (entry));
  int given = (rank > 0) + (entry->energy > 0) + (ratio > 0);
  if (given != 1)
    return adze_fail (host, ADZE_E_PARAM,
                      "%s of 'rank', 'energy' and 'ratio' %s given for tensor '%s', and it takes one of them; a "
                      "rule that asks for another one than the stage sets that of the stage to 0",
                      given ? "more than one" : "none", given ? "are" : "is", name);
  entry->rank = rank > 0 ? (size_t)rank : (size_t)(ratio * numbers / numbers_of_one (entry));
  if (entry->energy > 0)
    entry->rank = entry->most;
  if (entry->rank == 0)
    entry->rank = 1;
  return ADZE_OK;
}

static adze_status
read_entry (const adze_host *host, const adze_params *asked, const adze_tensor_meta *meta,
            low_rank_entry *entry)
{
  *entry = (low_rank_entry){
    .dtype = meta->dtype,
    .rows = (size_t)meta->shape[0],
    .columns = 1,
    .randomised = strcmp (adze_param_string (host, asked, "method"), "randomised") == 0,
    .beyond = (uint32_t)adze_param_int (host, asked, "beyond"),
    .steps = (uint32_t)adze_param_int (host, asked, "steps"),
    .may_stay = strcmp (adze_param_string (host, asked, "on-larger"), "skip") == 0,
  };
  for (int32_t i = 1; i < meta->rank; i++)
    entry->columns *= (size_t)meta->shape[i];
  return read_rank (host, asked, meta->name, entry);
}

/* ---- Names, shapes and traits of what comes out. */

typedef struct factors {
  adze_tensor_meta metas[3]; /* and the tensor itself, where it may be that it stays */
  int64_t shapes[2][ADZE_RANK_MAX];
  char names[2][LOW_RANK_NAME];
} factors;

/* What a layer of its own would be called: fc.u.weight. */
static adze_status
make_name (const adze_host *host, const char *name, const char *part, char *into)
{
  static const char weight[] = ".weight";
  size_t size = strlen (name), end = sizeof weight - 1;
  bool is_weight = size > end && strcmp (name + size - end, weight) == 0;
  int made = is_weight ? snprintf (into, LOW_RANK_NAME, "%.*s.%s%s", (int)(size - end), name, part, weight)
                       : snprintf (into, LOW_RANK_NAME, "%s.%s", name, part);
  if (made < 0 || made >= LOW_RANK_NAME)
    return adze_fail (host, ADZE_E_UNSUPPORTED, "a factor of '%s' would have a name of more than %d bytes", name,
                      LOW_RANK_NAME - 1);
  return ADZE_OK;
}

/* [rows][rank], and [rank][columns]; the dimensions behind are those of a kernel, one by one in the first. */
static void
make_meta (const adze_tensor_meta *meta, factors *f, int number, size_t rank)
{
  int64_t *shape = f->shapes[number];
  uint64_t count = 1;
  for (int32_t i = 0; i < meta->rank; i++) {
    if (number == 0)
      shape[i] = i == 0 ? meta->shape[0] : i == 1 ? (int64_t)rank : 1;
    else
      shape[i] = i == 0 ? (int64_t)rank : meta->shape[i];
    count *= (uint64_t)shape[i];
  }
  f->metas[number] = (adze_tensor_meta){ .struct_size = sizeof *meta,
                                         .rank = meta->rank,
                                         .name = f->names[number],
                                         .shape = shape,
                                         .dtype = meta->dtype,
                                         .byte_size = count * (meta->dtype.bits / 8) };
}

static adze_status
make_factors (const adze_host *host, const adze_params *asked, const adze_tensor_meta *meta, size_t rank,
              factors *f)
{
  bool lora = strcmp (adze_param_string (host, asked, "names"), "lora") == 0;
  adze_status status = make_name (host, meta->name, lora ? "lora_B" : "u", f->names[0]);
  if (status == ADZE_OK)
    status = make_name (host, meta->name, lora ? "lora_A" : "v", f->names[1]);
  make_meta (meta, f, 0, rank);
  make_meta (meta, f, 1, rank);
  f->metas[2] = *meta;
  return status;
}

/* TEXT as what stands between quotes in JSON. Longer ones are cut, which nobody's names are. */
static void
quote (const char *text, char *into, size_t size)
{
  size_t used = 0;
  for (; *text && used + 7 < size; text++) {
    unsigned char letter = (unsigned char)*text;
    if (letter < 0x20)
      used += (size_t)snprintf (into + used, size - used, "\\u%04x", letter);
    else if (letter == '"' || letter == '\\')
      used += (size_t)snprintf (into + used, size - used, "\\%c", letter);
    else
      into[used++] = *text;
  }
  into[used] = '\0';
}

static adze_status
tell_traits (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta, const factors *f)
{
  char names[3][LOW_RANK_NAME * 6], json[sizeof names + 64];
  adze_status status = ADZE_OK;
  quote (meta->name, names[0], sizeof names[0]);
  quote (f->names[0], names[1], sizeof names[1]);
  quote (f->names[1], names[2], sizeof names[2]);
  snprintf (json, sizeof json, "{\"of\": \"%s\", \"u\": \"%s\", \"v\": \"%s\"}", names[0], names[1], names[2]);
  for (int i = 0; status == ADZE_OK && i < 2; i++)
    status = adze_outline_of (host)->set_trait (host, outline, f->names[i], ADZE_TRAIT_LOW_RANK, json);
  return status;
}

/* ---- One tensor. */

/* What a rank is of: rows and columns that there are. */
static bool
is_wanted (low_rank *self, const adze_tensor_meta *meta)
{
  bool floats = !meta->codec && adze_dtype_is_float (meta->dtype);
  adze_left_see (&self->left, meta);
  if (!floats && adze_left_is_float (meta))
    adze_left_add (&self->left, meta);
  for (int32_t i = 0; i < meta->rank; i++)
    if (meta->shape[i] == 0)
      return false;
  return floats && meta->rank > 1;
}

/* *HOLDER gets the graph that has the weight, where there is a network. NULL: it can be done. */
static adze_status
find_obstacle (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta, adze_graph **holder,
               const char **why, char *room, size_t size)
{
  adze_graph *graph = NULL;
  const adze_graph_service *graphs = adze_graph_of (host);
  const adze_outline_service *service = adze_outline_of (host);
  *holder = NULL;
  *why = NULL;
  adze_status status = service->network ? service->network (host, outline, &graph) : ADZE_OK;
  if (status != ADZE_OK)
    return status;
  if (!graph && meta->rank > 2)
    *why = "it has more than two dimensions, and there is no network that says what they are for";
  if (!graph)
    return ADZE_OK;
  *holder = low_rank_holder (graphs, graph, meta->name);
  *why = *holder ? low_rank_obstacle (graphs, *holder, meta, room, size) : "it is no weight of the network";
  return ADZE_OK;
}

/* As factors of RANK, or of at most so much where that is not known as yet. */
static adze_status
announce (const adze_host *host, adze_outline *outline, adze_pick pick, const low_rank_entry *entry, size_t rank,
          adze_graph *holder)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  bool open = entry->energy > 0 && !service->is_final (host, outline);
  factors f;
  char note[80];
  adze_status status = make_factors (host, service->params (host, outline, pick), meta, rank, &f);
  if (status != ADZE_OK)
    return status;
  snprintf (note, sizeof note, "%s%zu of rank %zu", open ? "at most " : "", rank, low_rank_least (entry));
  const adze_group group = { .struct_size = sizeof group,
                             .input_count = 1,
                             .inputs = &pick,
                             .outputs = f.metas,
                             .output_count = open && entry->may_stay ? 3 : 2,
                             .meta_size = sizeof *f.metas,
                             .at_most = open,
                             .note = note };
  status = service->group (host, outline, &group);
  if (status == ADZE_OK)
    status = tell_traits (host, outline, meta, &f);
  return status == ADZE_OK && holder ? low_rank_edit (host, holder, meta, f.metas) : status;
}

/* Before anything was decided. *ENTRY stays NULL where the tensor stays as it is. */
static adze_status
settle (const adze_host *host, low_rank *self, const adze_params *asked, const adze_tensor_meta *meta,
        const low_rank_entry **entry)
{
  low_rank_entry made;
  adze_status status = read_entry (host, asked, meta, &made);
  if (status != ADZE_OK)
    return status;
  if (made.rank > made.most && !made.may_stay)
    return low_rank_too_large (host, &made, meta->name, made.rank);
  if (made.rank > made.most)
    return low_rank_stays (host, self, meta->name, made.rank, made.most);
  status = adze_entries_add (host, &self->entries, &made, sizeof made, meta->name);
  if (status == ADZE_OK)
    *entry = (const low_rank_entry *)adze_entries_at (&self->entries, self->entries.count - 1);
  return status;
}

static adze_status
describe_one (const adze_host *host, low_rank *self, adze_outline *outline, uint32_t index)
{
  const adze_outline_service *service = adze_outline_of (host);
  adze_pick pick = { 0, index };
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  bool final = service->is_final (host, outline);
  adze_graph *holder;
  const char *why;
  char room[256];
  if (!is_wanted (self, meta))
    return ADZE_OK;
  adze_status status = find_obstacle (host, outline, meta, &holder, &why, room, sizeof room);
  if (status != ADZE_OK || (why && !final))
    return status;
  if (why)
    return adze_fallback (host, meta->name, "low rank", "left as it is", why);
  const low_rank_entry *entry = final ? low_rank_entry_of (self, meta->name) : NULL;
  if (!final)
    status = settle (host, self, service->params (host, outline, pick), meta, &entry);
  size_t rank = !entry ? 0 : final ? entry->decided : entry->rank;
  return status == ADZE_OK && rank > 0 ? announce (host, outline, pick, entry, rank, holder) : status;
}

adze_status
low_rank_describe (const adze_host *host, void *instance, adze_outline *outline)
{
  low_rank *self = (low_rank *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  bool final = service->is_final (host, outline);
  /* In the end the tensors are those that were decided on; before, all begins anew. */
  if (!final)
    low_rank_clear (host, self);
  self->left = (adze_left_tally){ 0 };
  adze_status status = ADZE_OK;
  uint32_t count = service->count (host, outline, 0);
  for (uint32_t i = 0; status == ADZE_OK && i < count; i++)
    status = describe_one (host, self, outline, i);
  if (status == ADZE_OK && !final)
    status = adze_entries_sort (host, &self->entries);
  if (status == ADZE_OK)
    adze_left_tell (host, &self->left, &self->told, "not factored");
  return status;
}
