/* SPDX-License-Identifier: Apache-2.0 */
/* cluster: the numbers of a tensor become few different ones, its codebook.
 *
 * Each tensor is seen whole to find its values, and in pieces to write them: what is found in observe is a
 * codebook in an accumulator, which any process can decide on. */
#include "cluster.h"

static const adze_param params[] = {
  { .name = "k", .type = ADZE_PARAM_INT, .preset = "16", .range = "[1, 4096]",
    .help = "how many values a codebook has at most" },
  { .name = "bits", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 12]", .unit = "bits",
    .help = "k as a power of two, in the place of k; 0: what k says" },
  { .name = "centroids", .type = ADZE_PARAM_CHOICE, .preset = "exact",
    .choices = "exact|linear|density|random|k-means++",
    .help = "those of least squared error, or what Lloyd's steps make of others: equal steps, equal "
            "shares of the numbers, numbers drawn at random, numbers drawn far from each other" },
  { .name = "steps", .type = ADZE_PARAM_INT, .preset = "300", .range = "[0, 100000]",
    .help = "of Lloyd's steps, at most; they end when nothing moves. Of no meaning for exact" },
  { .name = "per", .type = ADZE_PARAM_CHOICE, .preset = "tensor", .choices = "tensor|channel|group",
    .help = "what has a codebook of its own" },
  { .name = "axis", .type = ADZE_PARAM_INT, .preset = "0", .range = "[0, 63]",
    .help = "per channel and group: the dimension that counts channels" },
  { .name = "group", .type = ADZE_PARAM_INT, .preset = "16", .range = "[1, 1000000000]",
    .unit = "channels", .help = "per group: how many neighbouring channels share a codebook" },
  { .name = "keep-zeros", .type = ADZE_PARAM_CHOICE, .preset = "auto",
    .choices = "auto|always|never",
    .help = "zero is one of the values and stays zero: for tensors that are sparse by their traits, "
            "for all, or for none" },
  { .name = NULL }
};

static cluster_words
words_of (const adze_host *host, const adze_params *values)
{
  cluster_words words = { { adze_param_is_given (host, values, "axis"), adze_param_int (host, values, "axis") },
                          { adze_param_is_given (host, values, "group"), adze_param_int (host, values, "group") },
                          { adze_param_is_given (host, values, "steps"), adze_param_int (host, values, "steps") } };
  return words;
}

/* A rule is not to blame for what the stage says to other tensors. */
adze_status
cluster_check (const adze_host *host, const cluster *self, const adze_params *values)
{
  const cluster_words own = words_of (host, values), none = { { false, 0 }, { false, 0 }, { false, 0 } };
  const cluster_words *stage = self ? &self->stage : &none;
  bool bits = adze_param_int (host, values, "bits") > 0;
  adze_status status = bits ? adze_param_not_both (host, values, "k", "bits") : ADZE_OK;
  if (status == ADZE_OK && !(stage->axis.said && stage->axis.number == own.axis.number))
    status = adze_param_only_with (host, values, "axis", "per", "channel|group");
  if (status == ADZE_OK && !(stage->group.said && stage->group.number == own.group.number))
    status = adze_param_only_with (host, values, "group", "per", "group");
  if (status == ADZE_OK && !(stage->steps.said && stage->steps.number == own.steps.number))
    status = adze_param_only_with (host, values, "steps", "centroids", "linear|density|random|k-means++");
  return status;
}

static adze_status
create (const adze_host *host, const adze_params *values, void **instance)
{
  adze_status status = cluster_check (host, NULL, values);
  if (status != ADZE_OK)
    return status;
  cluster *self = (cluster *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "no room for its state");
  self->stage = words_of (host, values);
  *instance = self;
  return ADZE_OK;
}

static void
destroy (const adze_host *host, void *instance)
{
  cluster *self = (cluster *)instance;
  cluster_clear (host, self);
  adze_entries_end (host, &self->entries);
  host->release (host, self);
}

static size_t
accumulator (const adze_host *host, void *instance)
{
  (void)host;
  return ((const cluster *)instance)->accumulator;
}

/* A tensor is seen whole: of two accumulators one has seen nothing. */
static adze_status
merge (const adze_host *host, void *instance, void *left, const void *right)
{
  const cluster_seen *from = (const cluster_seen *)right;
  const cluster_seen *into = (const cluster_seen *)left;
  if (from->books > 0 && into->books > 0)
    return adze_fail (host, ADZE_E_CONTRACT, "a tensor was seen in pieces");
  if (from->books > 0)
    memcpy (left, right, ((const cluster *)instance)->accumulator);
  return ADZE_OK;
}

/* ---- apply. */

/* The values of a book, as they are written, and where the one gives way to the next. */
typedef struct palette {
  uint32_t count;
  bool zero_apart;
  double middles[CLUSTER_MOST];
  uint64_t words[CLUSTER_MOST];
} palette;

static uint64_t
word_of (adze_dtype dtype, double value)
{
  if (dtype.bits == 64)
    return adze_double_bits (value);
  if (dtype.bits == 32)
    return adze_float_bits (adze_float_from_double (value));
  return dtype.code == ADZE_BFLOAT ? adze_bfloat_from_double (value) : adze_half_from_double (value);
}

static void
make_palette (const cluster_entry *entry, const cluster_book *book, palette *p)
{
  const double *values = entry->values + book->first + book->zero_apart;
  p->zero_apart = book->zero_apart;
  p->count = book->count - book->zero_apart;
  for (uint32_t i = 0; i < p->count; i++) {
    p->words[i] = word_of (entry->dtype, values[i]);
    if (i > 0)
      p->middles[i - 1] = kmeans1d_middle (values[i - 1], values[i]);
  }
}

/* How many middles are below a number; without a branch, since which way it goes cannot be foreseen. */
static inline uint32_t
index_of (const palette *p, double number)
{
  const double *middle = p->middles;
  uint32_t count = p->count - 1;
  while (count > 1) {
    uint32_t half = count / 2;
    middle += middle[half - 1] < number ? half : 0;
    count -= half;
  }
  return (uint32_t)(middle - p->middles) + (count == 1 && *middle < number);
}

#define STORE_WORDS(type) \
  for (size_t i = 0; i < count; i++) \
    ((type *)out)[i] = (type)words[i]

static void
store (void *out, const uint64_t *words, size_t count, size_t size)
{
  if (size == 2)
    STORE_WORDS (uint16_t);
  else if (size == 4)
    STORE_WORDS (uint32_t);
  else
    STORE_WORDS (uint64_t);
}

enum { BLOCK = 256 };

static void
apply_run (const cluster_entry *entry, const palette *p, const char *in, char *out, size_t count)
{
  double numbers[BLOCK];
  uint64_t words[BLOCK];
  size_t size = cluster_number_size (entry);
  for (size_t start = 0; start < count; start += BLOCK) {
    size_t some = count - start < BLOCK ? count - start : BLOCK;
    adze_doubles_read (entry->dtype, in + start * size, some, numbers);
    for (size_t i = 0; i < some; i++)
      words[i] = p->zero_apart && numbers[i] == 0 ? 0 : p->words[index_of (p, numbers[i])];
    store (out + start * size, words, some, size);
  }
}

/* The elements of a piece, and which runs of which books have any of them. */
typedef struct stretch {
  uint64_t first, last;
  uint64_t first_run, last_run;
  uint64_t first_book, last_book;
} stretch;

/* Of several runs of each book, all books are taken. */
static stretch
stretch_of (const cluster_entry *entry, const adze_place *place)
{
  uint64_t run = entry->channels * entry->inner, book = entry->group * entry->inner;
  stretch s = { .first = place->first, .last = place->first + place->count };
  s.first_run = s.first / run;
  s.last_run = (s.last - 1) / run;
  s.last_book = entry->book_count - 1;
  if (s.first_run == s.last_run) {
    s.first_book = s.first % run / book;
    s.last_book = (s.last - 1) % run / book;
  }
  return s;
}

/* IN and OUT: those of the piece. */
static void
apply_book (const cluster_entry *entry, uint64_t book, const stretch *s, const char *in, char *out)
{
  size_t size = cluster_number_size (entry);
  palette p;
  make_palette (entry, &entry->books[book], &p);
  for (uint64_t i = s->first_run; i <= s->last_run; i++) {
    cluster_run run = cluster_run_of (entry, book, i);
    uint64_t last = run.first + run.count;
    uint64_t from = run.first > s->first ? run.first : s->first, to = last < s->last ? last : s->last;
    size_t offset = (size_t)(from - s->first) * size;
    if (from < to)
      apply_run (entry, &p, in + offset, out + offset, (size_t)(to - from));
  }
}

static adze_status
apply (const adze_host *host, void *instance, adze_call *call, const adze_tensor *input)
{
  const cluster_entry *entry = cluster_entry_of ((const cluster *)instance, input->name);
  adze_status status = cluster_check_plain (host, entry, input);
  adze_view view;
  adze_place place;
  if (status == ADZE_OK)
    status = adze_call_output_like (host, call, input, &view);
  if (status != ADZE_OK)
    return status;
  const char *in = (const char *)adze_view_data (&input->view);
  char *out = (char *)adze_view_data (&view);
  adze_call_of (host)->place (host, call, &place);
  const stretch s = stretch_of (entry, &place);
  for (uint64_t i = s.first_book; i <= s.last_book; i++)
    apply_book (entry, i, &s, in, out);
  return ADZE_OK;
}

/* Zeros that a trait speaks of are kept apart, or describe takes the trait away; of the codebook it says
 * what holds. */
static const char *const preserves[]
    = { ADZE_TRAIT_SPARSITY, ADZE_TRAIT_NM, ADZE_TRAIT_CODEBOOK, NULL };
static const char *const breaks[] = { ADZE_TRAIT_FROZEN, NULL };

static const adze_technique callbacks = {
  .struct_size = sizeof callbacks,
  .effect = ADZE_CHANGES,
  .grain = ADZE_GRAIN_TENSOR,
  .accumulate = ADZE_OVER_GROUP,
  .preserves = preserves,
  .breaks = breaks,
  .create = create,
  .destroy = destroy,
  .describe = cluster_describe,
  .accumulator = accumulator,
  .observe = cluster_observe,
  .merge = merge,
  .decide = cluster_decide,
  .apply = apply,
};

static const adze_component component = {
  .struct_size = sizeof component,
  .kind_revision = ADZE_TECHNIQUE_REVISION,
  .kind = ADZE_TECHNIQUE,
  .id = "cluster",
  .summary = "Gives tensors few different values",
  .params = params,
  .param_size = sizeof (adze_param),
  .threading = ADZE_THREADS_PARALLEL,
  .callbacks = &callbacks,
};

static const adze_component *const components[] = { &component, NULL };

static const adze_plugin plugin = {
  ADZE_PLUGIN_HEAD,
  .id = "cluster",
  .version = "0.1.0",
  .summary = "Codebooks: tensors of few different values",
  .license = "Apache-2.0",
  .components = components,
};

ADZE_PLUGIN_REGISTER (cluster, plugin);
