/* SPDX-License-Identifier: Apache-2.0 */
/* quantize: floats become codes of a codec, whichever it is. */
#include "quantize.h"

#include <stdlib.h>
#include <string.h>

static const adze_param params[] = {
  { .name = "codec", .type = ADZE_PARAM_COMPONENT, .component_kind = ADZE_CODEC, .preset = "",
    .help = "how the numbers are written; empty: as mixture says" },
  { .name = "mixture", .type = ADZE_PARAM_CHOICE, .preset = "none", .choices = "none|" MIXTURE_CHOICES,
    .help = "which tensor of a language model gets which codec, as llama-quantize has it" },
  { .name = "imatrix", .type = ADZE_PARAM_FILE, .preset = "",
    .help = "how much each column of each tensor counts, as llama-imatrix writes it" },
  { .name = "vectors", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "tensors of one dimension too, such as biases, which are few and count much" },
  { .name = "nan", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|zero",
    .help = "what becomes of a NaN, of which there is no code" },
  { .name = "infinity", .type = ADZE_PARAM_CHOICE, .preset = "error", .choices = "error|zero|greatest",
    .help = "what becomes of an infinite number: an error, zero, or the greatest magnitude that the tensor "
            "has otherwise, with its sign" },
  { .name = "bias-correction", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "errors of a channel add up to nothing: as many numbers as it takes get the code beside the nearest "
            "one" },
  { .name = "dynamic", .type = ADZE_PARAM_BOOL, .preset = "false",
    .help = "in networks: products with codes are computed in whole numbers, what comes in being made codes of "
            "on the way" },
  { .name = NULL }
};

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  quantize *self = (quantize *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  adze_status status = quantize_mixture_open (host, self, values);
  if (status == ADZE_OK)
    status = quantize_importance_open (host, self, values);
  if (status == ADZE_OK)
    *instance = self;
  else
    quantize_end (host, self);
  return status;
}

static void
destroy (const adze_host *host, void *instance)
{
  quantize_end (host, (quantize *)instance);
}

/* ---- describe. */

static bool
is_wanted (const adze_host *host, quantize *self, const adze_params *values,
           const adze_tensor_meta *meta)
{
  bool floats = !meta->codec && adze_dtype_is_float (meta->dtype) && meta->dtype.bits <= 32;
  adze_left_see (&self->left, meta);
  if (!floats && adze_left_is_float (meta))
    adze_left_add (&self->left, meta);
  return floats && (meta->rank > 1 || (meta->rank == 1 && adze_param_bool (host, values, "vectors")));
}

/* Something else than was asked for: it stays as it is, and that is told, as soon as it is described. */
static adze_status
leave (const adze_host *host, adze_codec_use *use, const adze_tensor_meta *meta)
{
  char why[96];
  snprintf (why, sizeof why, "the codec cannot have rows of %lld numbers",
            (long long)meta->shape[meta->rank - 1]);
  return adze_fallback (host, meta->name, adze_codecs_of (host)->id (use), "left as it is", why);
}

/* Rows are independent of each other; what is one for all comes with the first of them. */
static void
go_by_rows (const adze_coded *coded, const adze_tensor_meta *meta, adze_group *group)
{
  if (coded->whole || !coded->planes[0].by_rows)
    return;
  group->row_rank = (uint32_t)adze_coded_row_rank (coded, meta);
  for (uint32_t i = 1; group->row_rank > 0 && i < coded->plane_count; i++)
    group->once |= (uint64_t)!coded->planes[i].by_rows << i;
}

/* A plane inherits what is said of the tensor; what its codec does not vouch for is taken away from it. */
static adze_status
lose_traits (const adze_host *host, adze_outline *outline, adze_pick pick, const adze_coded *coded,
             const adze_tensor_meta *metas)
{
  const struct {
    const char *id;
    uint32_t kept;
  } traits[] = { { ADZE_TRAIT_CODEBOOK, coded->keeps_values },
                 { ADZE_TRAIT_SPARSITY, coded->keeps_zeros },
                 { ADZE_TRAIT_NM, coded->keeps_zeros } };
  const adze_outline_service *service = adze_outline_of (host);
  adze_status status = ADZE_OK;
  for (size_t t = 0; t < sizeof traits / sizeof traits[0]; t++) {
    if (!service->trait (host, outline, pick, traits[t].id))
      continue;
    for (uint32_t i = 0; status == ADZE_OK && i < coded->plane_count; i++)
      if (!(traits[t].kept >> i & 1))
        status = service->set_trait (host, outline, metas[i].name, traits[t].id, NULL);
  }
  return status;
}

static adze_status
announce (const adze_host *host, adze_outline *outline, adze_pick pick,
          const adze_tensor_meta *meta, const quantize_tensor *tensor)
{
  char names[ADZE_PLANES_MAX][QUANTIZE_NAME], note[96];
  adze_tensor_meta metas[ADZE_PLANES_MAX];
  const adze_outline_service *service = adze_outline_of (host);
  const adze_codecs_service *codecs = adze_codecs_of (host);
  adze_coded coded = tensor->coded;
  bool network = false;
  adze_status status = quantize_has_network (host, outline, &network);
  if (network)
    adze_coded_as_bytes (&coded, meta);
  if (status == ADZE_OK)
    status = quantize_metas (host, tensor->use, meta, &coded, names, metas);
  if (status != ADZE_OK)
    return status;
  snprintf (note, sizeof note, "%s", codecs->id (tensor->use));
  adze_group group = { .struct_size = sizeof group,
                       .input_count = 1,
                       .inputs = &pick,
                       .outputs = metas,
                       .output_count = coded.plane_count,
                       .meta_size = sizeof *metas,
                       .at_most = tensor->found_size > 0 && !tensor->found,
                       .note = note };
  go_by_rows (&coded, meta, &group);
  status = service->group (host, outline, &group);
  if (tensor->unbiased)
    coded.keeps_values = 0;
  if (status == ADZE_OK)
    status = lose_traits (host, outline, pick, &coded, metas);
  /* What a mixture writes, the types of the file say. */
  const char *trait = status == ADZE_OK && !tensor->mixed ? codecs->trait (host, tensor->use, meta) : NULL;
  if (trait)
    status = service->set_trait (host, outline, meta->name, ADZE_TRAIT_CODED, trait);
  bool dynamic = adze_param_bool (host, service->params (host, outline, pick), "dynamic");
  return status == ADZE_OK && (network || dynamic)
             ? quantize_network (host, outline, tensor->use, meta, &coded, metas, dynamic)
             : status;
}

/* Where channels lie across the rows, all rows must be there; and so must be what is one for all of them, since
 * codes are decoded again. */
static adze_status
correct_bias (const adze_host *host, adze_outline *outline, const adze_tensor_meta *meta,
              quantize_tensor *tensor)
{
  if (meta->rank < 2)
    return adze_fail (host, ADZE_E_PARAM,
                      "bias-correction = true is about what each channel sums up to, and '%s' is a vector, whose "
                      "channels are single numbers; a rule with bias-correction = false leaves it out",
                      meta->name);
  tensor->unbiased = true;
  tensor->across = quantize_sums_rows (host, outline, meta);
  bool whole = tensor->across;
  for (uint32_t i = 0; i < tensor->coded.plane_count; i++)
    whole = whole || !tensor->coded.planes[i].by_rows;
  tensor->coded.whole = tensor->coded.whole || whole;
  return ADZE_OK;
}

static adze_status
describe_one (const adze_host *host, quantize *self, adze_outline *outline, uint32_t index)
{
  const adze_outline_service *service = adze_outline_of (host);
  const adze_codecs_service *codecs = adze_codecs_of (host);
  adze_pick pick = { 0, index };
  const adze_tensor_meta *meta = service->tensor (host, outline, pick);
  const adze_params *values = service->params (host, outline, pick);
  adze_codec_use *use = NULL;
  if (!is_wanted (host, self, values, meta))
    return ADZE_OK;
  bool mixed = !adze_param_string (host, values, "codec")[0];
  adze_status status = mixed ? quantize_mixture_codec (host, self, meta, &use)
                             : quantize_codec_for (host, self, values, &use);
  if (status != ADZE_OK || !use)
    return status;
  quantize_tensor *tensor = quantize_find (self, meta->name);
  adze_coded coded;
  status = codecs->describe (host, use, meta, tensor ? quantize_found (tensor) : NULL, &coded);
  if (status == ADZE_E_UNSUPPORTED)
    return leave (host, use, meta);
  if (status != ADZE_OK)
    return status;
  if (!tensor) {
    size_t found = codecs->accumulator (host, use, meta);
    quantize_tensor added = { .use = use, .mends = quantize_mends_of (host, values) };
    added.found_size = found > 0 || quantize_mends_any (&added.mends) ? found + sizeof (quantize_head) : 0;
    status = adze_entries_add (host, &self->tensors, &added, sizeof added, meta->name);
    if (status != ADZE_OK)
      return status;
    tensor = (quantize_tensor *)adze_entries_at (&self->tensors, self->tensors.count - 1);
  }
  tensor->coded = coded;
  tensor->mixed = mixed;
  status = quantize_importance_of (host, self, meta, tensor);
  if (status == ADZE_OK && mixed)
    status = quantize_mixture_check (host, self, tensor);
  if (status == ADZE_OK && adze_param_bool (host, values, "bias-correction"))
    status = correct_bias (host, outline, meta, tensor);
  if (status != ADZE_OK)
    return status;
  self->mends = self->mends || quantize_mends_any (&tensor->mends);
  self->looks_twice = self->looks_twice || (tensor->mends.greatest && tensor->found_size > sizeof (quantize_head));
  if (tensor->found_size > self->accumulator)
    self->accumulator = tensor->found_size;
  return announce (host, outline, pick, meta, tensor);
}

static adze_status
describe (const adze_host *host, void *instance, adze_outline *outline)
{
  quantize *self = (quantize *)instance;
  const adze_outline_service *service = adze_outline_of (host);
  self->left = (adze_left_tally){ 0 };
  self->mends = self->looks_twice = false;
  bool final = service->is_final (host, outline);
  if (!final)
    quantize_clear (host, self);
  adze_status status = quantize_mixture_describe (host, self, outline);
  for (uint32_t i = 0; status == ADZE_OK && i < service->count (host, outline, 0); i++)
    status = describe_one (host, self, outline, i);
  if (status == ADZE_OK)
    status = quantize_importance_end (host, self);
  if (status == ADZE_OK)
    status = adze_entries_sort (host, &self->tensors);
  if (status == ADZE_OK)
    adze_left_tell (host, &self->left, &self->told, "not quantised");
  return status;
}

/* ---- observe. */

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  return ((quantize *)instance)->accumulator;
}

static adze_status
observe (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input,
         void *accumulated)
{
  const quantize *self = (const quantize *)instance;
  const quantize_tensor *tensor = quantize_find (self, input->name);
  quantize_head *head = (quantize_head *)accumulated;
  quantize_floats_room room;
  adze_place place;
  if (!tensor || tensor->found_size == 0)
    return ADZE_OK;
  adze_call_of (host)->place (host, call, &place);
  head->codec = quantize_number (self, tensor->use);
  head->size = tensor->found_size - sizeof *head;
  adze_status status = quantize_floats (host, tensor, input, place.first, &room, &head->odd);
  if (status == ADZE_OK && head->size > 0)
    status = adze_codecs_of (host)->observe (host, tensor->use, place.whole, room.values, place.first,
                                             place.count, head + 1);
  host->release (host, room.made);
  return status;
}

/* The empty one is of no codec, and nothing is added by it. */
static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  const quantize *self = (const quantize *)instance;
  quantize_head *into = (quantize_head *)left;
  const quantize_head *from = (const quantize_head *)right;
  if (from->codec == 0)
    return ADZE_OK;
  into->codec = from->codec;
  into->size = from->size;
  into->odd.nans += from->odd.nans;
  into->odd.infinities += from->odd.infinities;
  if (from->odd.greatest > into->odd.greatest)
    into->odd.greatest = from->odd.greatest;
  return from->size == 0
             ? ADZE_OK
             : adze_codecs_of (host)->merge (host, self->codecs[from->codec - 1].use, into + 1, from + 1);
}

/* All tensors were looked at: once more, or is it settled? */
static adze_status
decide_all (const adze_host *host, quantize *self, bool settled, bool *again)
{
  self->has_looked = !settled;
  *again = !settled;
  if (!settled)
    return ADZE_OK;
  adze_status status = quantize_tell_odd (host, self);
  self->odd = (quantize_odd){ 0 };
  self->odd_tensors = 0;
  return status;
}

static adze_status
decide (const adze_host *host, void *instance, adze_call *call, const void *accumulated, bool *again)
{
  quantize *self = (quantize *)instance;
  bool settled = !self->looks_twice || self->has_looked;
  adze_place place;
  *again = false;
  if (!call)
    return decide_all (host, self, settled, again);
  adze_call_of (host)->place (host, call, &place);
  quantize_tensor *tensor = quantize_find (self, place.whole->name);
  if (!tensor || tensor->found_size == 0)
    return ADZE_OK;
  if (!tensor->found)
    tensor->found = malloc (tensor->found_size);
  if (!tensor->found)
    return adze_fail (host, ADZE_E_MEMORY, "no room for what was seen of '%s'", tensor->name);
  memcpy (tensor->found, accumulated, tensor->found_size);
  return settled ? quantize_tell (host, self, tensor, place.whole) : ADZE_OK;
}

/* ---- apply. */

typedef struct job {
  const adze_host *host;
  const quantize_tensor *tensor;
  const adze_tensor_meta *meta;
  const float *values;
  adze_view outs[ADZE_PLANES_MAX];
  uint64_t columns;
  uint64_t first_row; /* of the piece */
} job;

/* Rows of one matrix, whose columns count the same for all of them. */
static adze_status
encode_some (const job *j, size_t first, size_t last)
{
  const adze_coded *coded = &j->tensor->coded;
  adze_coding coding = { .struct_size = sizeof coding,
                         .meta = j->meta,
                         .coded = coded,
                         .found = quantize_found (j->tensor),
                         .importance = quantize_importance_at (j->tensor, j->first_row + first, j->columns),
                         .first_row = j->first_row + first,
                         .row_count = last - first,
                         .columns = j->columns,
                         .values = (float *)j->values + first * j->columns };
  for (uint32_t i = 0; i < coded->plane_count; i++)
    coding.planes[i] = (char *)adze_view_data (&j->outs[i])
                       + first * adze_plane_row_bytes (coded, i, j->meta);
  return j->tensor->unbiased ? quantize_encode_unbiased (j->host, j->tensor, &coding)
                             : adze_codecs_of (j->host)->encode (j->host, j->tensor->use, &coding);
}

static adze_status
encode_rows (void *argument, size_t first, size_t last)
{
  const job *j = (const job *)argument;
  uint64_t each = j->tensor->matrix_rows;
  size_t end = last;
  adze_status status = ADZE_OK;
  for (size_t row = first; row < last && status == ADZE_OK; row = end) {
    if (j->tensor->importance)
      end = row + (size_t)(each - (j->first_row + row) % each);
    end = end < last ? end : last;
    status = encode_some (j, row, end);
  }
  return status;
}

/* Rows that are done at once: enough for a thread to be worth it. */
static size_t
rows_at_once (const job *j, uint64_t rows)
{
  const uint64_t numbers = 65536;
  if (j->tensor->coded.whole || j->columns == 0)
    return rows;
  return j->columns < numbers ? (size_t)(numbers / j->columns) : 1;
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const quantize_tensor *tensor = quantize_find ((quantize *)instance, input->name);
  adze_place place;
  quantize_floats_room room = { 0 };
  quantize_odd odd = { 0 };
  if (!tensor)
    return ADZE_OK;
  adze_call_of (host)->place (host, call, &place);
  job j = { .host = host, .tensor = tensor, .meta = place.whole };
  j.columns = adze_coded_columns (&tensor->coded, place.whole);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < tensor->coded.plane_count; i++)
    status = adze_call_of (host)->output_at (host, call, i, &j.outs[i]);
  if (status == ADZE_OK)
    status = quantize_floats (host, tensor, input, place.first, &room, &odd);
  j.values = room.values;
  uint64_t rows = j.columns ? place.count / j.columns : adze_coded_rows (&tensor->coded, place.whole);
  j.first_row = j.columns ? place.first / j.columns : 0;
  if (status == ADZE_OK)
    status = adze_parallel_for (host, (size_t)rows, rows_at_once (&j, rows), encode_rows, &j);
  host->release (host, room.made);
  return status;
}

static const char *const breaks[] = { ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_TENSOR,
  .accumulate = ADZE_OVER_GROUP,
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .describe = describe,
  .accumulator = accumulator,
  .observe = observe,
  .merge = merge,
  .decide = decide,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "quantize",
  .summary = "Writes floats as the codes of a codec",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "quantize",
  .version = "0.1.0",
  .summary = "Floats as codes",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (quantize, plugin);
