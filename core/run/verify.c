/* SPDX-License-Identifier: Apache-2.0 */
/* run/verify.c: traits held against the bytes. */
#include "run/verify.h"

#include <adze/draft/traits.h>
#include <string.h>

#include "pipeline/units.h"

/* More would make the search through them slow, and no codebook is larger. */
#define CODEBOOK_MAX 4096u

static adze_error *
unfit (adze_error *error)
{
  adze_error_set (error, "hint", "take the trait out of the file's metadata (adze.traits), or make the "
                                 "file again with a stage that says it rightly");
  return error;
}

static adze_error *
whole_number (const adze_value *trait, const char *id, const char *key, uint64_t most,
              uint64_t *number)
{
  const adze_value *value = adze_value_get (trait, key);
  if (!value || value->type != ADZE_VALUE_INT || value->integer < 1
      || (uint64_t)value->integer > most)
    return unfit (adze_error_new (ADZE_E_FORMAT,
                                  "the trait %s needs \"%s\", a whole number from 1 to %llu", id, key,
                                  (unsigned long long)most));
  *number = (uint64_t)value->integer;
  return NULL;
}

/* What the input had otherwise, or not at all, is the stage's own word. */
static bool
is_own (const adze_value *trait, const adze_value *input_traits, const char *id)
{
  const adze_value *before = adze_value_get (input_traits, id);
  return !before || !adze_value_equal (before, trait);
}

adze_error *
adze_promise_open (const adze_value *traits, const adze_value *input_traits, bool same_shape,
                   adze_promise *promise)
{
  *promise = (adze_promise){ 0 };
  promise->sparsity = same_shape && adze_value_get (traits, ADZE_TRAIT_SPARSITY)
                      && adze_value_get (input_traits, ADZE_TRAIT_SPARSITY);
  promise->frozen = same_shape && adze_value_get (traits, ADZE_TRAIT_FROZEN)
                    && adze_value_get (input_traits, ADZE_TRAIT_FROZEN);
  const adze_value *nm = adze_value_get (traits, ADZE_TRAIT_NM);
  if (nm) {
    uint64_t n, m;
    ADZE_TRY (whole_number (nm, ADZE_TRAIT_NM, "m", 64, &m));
    ADZE_TRY (whole_number (nm, ADZE_TRAIT_NM, "n", m, &n));
    /* Pieces end at powers of two, and a group must not be cut in two. */
    if ((m & (m - 1)) != 0)
      return unfit (adze_error_new (ADZE_E_FORMAT,
                                    "the trait %s has \"m\" %llu; a power of two is needed",
                                    ADZE_TRAIT_NM, (unsigned long long)m));
    promise->own_nm = !same_shape || is_own (nm, input_traits, ADZE_TRAIT_NM);
    promise->n = (uint32_t)n;
    promise->m = (uint32_t)m;
  }
  const adze_value *codebook = adze_value_get (traits, ADZE_TRAIT_CODEBOOK);
  if (codebook) {
    ADZE_TRY (whole_number (codebook, ADZE_TRAIT_CODEBOOK, "k", CODEBOOK_MAX, &promise->k));
    promise->own_codebook = is_own (codebook, input_traits, ADZE_TRAIT_CODEBOOK);
    ADZE_TRY (adze_book_open (promise->k, &promise->book));
  }
  return NULL;
}

void
adze_promise_close (adze_promise *promise)
{
  if (promise->k > 0)
    adze_book_close (&promise->book);
}

bool
adze_promise_is_empty (const adze_promise *promise)
{
  return !promise->sparsity && !promise->frozen && promise->m == 0 && promise->k == 0;
}

/* ---- Elements as bits. */

/* Whole bytes of one element; 0 for what has none of its own. */
static size_t
element_size (const adze_tensor_meta *meta)
{
  size_t bits = (size_t)meta->dtype.bits * meta->dtype.lanes;
  return meta->codec || bits % 8 != 0 || bits > 64 ? 0 : bits / 8;
}

static bool
is_float (const adze_tensor_meta *meta)
{
  return meta->dtype.code == ADZE_FLOAT || meta->dtype.code == ADZE_BFLOAT
         || meta->dtype.code >= ADZE_FLOAT8_E3M4;
}

/* Zero of either sign. */
static uint64_t
zero_mask (const adze_tensor_meta *meta, size_t size)
{
  uint64_t all = size == 8 ? UINT64_MAX : (UINT64_C (1) << (size * 8)) - 1;
  return is_float (meta) ? all >> 1 : all;
}

/* False: it has no elements of its own. */
static bool
bits_of (const adze_verified_side *side, adze_bits *bits)
{
  size_t size = element_size (side->meta);
  *bits = (adze_bits){ side->data, side->count, size ? zero_mask (side->meta, size) : 0, (uint32_t)size };
  return size > 0;
}

/* ---- One trait after the other; UINT64_MAX: it holds. */

static uint64_t
first_revived (const adze_verified_piece *piece)
{
  adze_bits in, out;
  return bits_of (&piece->in, &in) && bits_of (&piece->out, &out) ? adze_first_revived (&in, &out) : 0;
}

/* Where one side ends before the other, that is where it changed. */
static uint64_t
first_changed (const adze_verified_piece *piece)
{
  const adze_verified_side *in = &piece->in, *out = &piece->out;
  uint64_t bytes = adze_piece_bytes (out->meta, out->count);
  uint64_t count = in->count < out->count ? in->count : out->count;
  if (in->count == out->count && bytes == adze_piece_bytes (in->meta, in->count)
      && memcmp (in->data, out->data, bytes) == 0)
    return UINT64_MAX;
  size_t size = element_size (out->meta);
  if (size == 0 || size != element_size (in->meta))
    return 0;
  for (uint64_t i = 0; i < count; i++)
    if (memcmp ((const char *)in->data + i * size, (const char *)out->data + i * size, size) != 0)
      return i;
  return count;
}

static uint64_t
first_crowded (const adze_promise *promise, const adze_verified_side *side)
{
  adze_bits bits;
  const uint64_t row = adze_tensor_meta_row (side->meta);
  return bits_of (side, &bits)
             ? adze_first_crowded (&bits, side->first % row, row, promise->n, promise->m)
             : 0;
}

static uint64_t
first_surplus (adze_promise *promise, const adze_verified_side *side)
{
  adze_bits bits;
  return bits_of (side, &bits) ? adze_first_surplus (&bits, &promise->book) : 0;
}

static void
blame_for_crowd (const adze_promise *promise, const adze_verified_piece *piece,
                 adze_breach *breach)
{
  uint64_t where = UINT64_MAX;
  breach->trait = ADZE_TRAIT_NM;
  if (promise->own_nm)
    breach->blame = ADZE_BLAME_CLAIM;
  else if (element_size (piece->in.meta) > 0
           && (where = first_crowded (promise, &piece->in)) != UINT64_MAX) {
    breach->blame = ADZE_BLAME_INPUT;
    breach->where = where;
  }
}

static void
blame_for_surplus (const adze_promise *promise, const adze_verified_piece *piece,
                   adze_breach *breach)
{
  adze_promise own = { .k = promise->k };
  uint64_t where = UINT64_MAX;
  breach->trait = ADZE_TRAIT_CODEBOOK;
  if (promise->own_codebook) {
    breach->blame = ADZE_BLAME_CLAIM;
    return;
  }
  /* Without memory it stays the stage's: the run fails either way. */
  ADZE_AUTO_ERROR lacking = adze_book_open (own.k, &own.book);
  if (!lacking && element_size (piece->in.meta) > 0)
    where = first_surplus (&own, &piece->in);
  if (where != UINT64_MAX) {
    breach->blame = ADZE_BLAME_INPUT;
    breach->where = where;
  }
  adze_book_close (&own.book);
}

void
adze_promise_check (adze_promise *promise, const adze_verified_piece *piece, adze_breach *breach)
{
  *breach = (adze_breach){ 0 };
  if (promise->frozen && (breach->where = first_changed (piece)) != UINT64_MAX)
    breach->trait = ADZE_TRAIT_FROZEN;
  else if (promise->sparsity && (breach->where = first_revived (piece)) != UINT64_MAX)
    breach->trait = ADZE_TRAIT_SPARSITY;
  else if (promise->m > 0
           && (breach->where = first_crowded (promise, &piece->out)) != UINT64_MAX)
    blame_for_crowd (promise, piece, breach);
  else if (promise->k > 0 && (breach->where = first_surplus (promise, &piece->out)) != UINT64_MAX)
    blame_for_surplus (promise, piece, breach);
  if (breach->trait)
    breach->where += breach->blame == ADZE_BLAME_INPUT ? piece->in.first : piece->out.first;
}

/* ---- The input as it was read. */

static adze_error *
look_through (adze_promise *own, const adze_model *file, const adze_model_tensor *tensor,
              adze_breach *found)
{
  const adze_tensor_meta *meta = &tensor->meta;
  uint64_t all = tensor->elements, most = adze_leaf_elements (meta);
  most = most < all ? most : all;
  ADZE_AUTO_FREE void *data = malloc (adze_piece_bytes (meta, most) + 1);
  if (!data)
    return adze_error_memory ();
  for (uint64_t first = 0; first < all && !found->trait; first += most) {
    const adze_verified_side side = { meta, data, all - first < most ? all - first : most, first };
    ADZE_TRY (adze_model_read (file, tensor, adze_piece_bytes (meta, first), data,
                               adze_piece_bytes (meta, side.count)));
    adze_promise_check (own, &(adze_verified_piece){ side, side }, found);
  }
  return NULL;
}

adze_error *
adze_breach_look (const adze_promise *promise, const adze_plan_model *model, size_t tensor,
                  adze_breach *breach)
{
  const adze_model *file = model->file;
  const adze_model_tensor *was = &file->tensors[tensor];
  bool codebook = strcmp (breach->trait, ADZE_TRAIT_CODEBOOK) == 0;
  bool neighbours = strcmp (breach->trait, ADZE_TRAIT_NM) == 0;
  if (breach->blame == ADZE_BLAME_CLAIM || !(codebook || neighbours)
      || element_size (&was->meta) == 0)
    return NULL;
  adze_promise own = { .n = promise->n,
                       .m = neighbours ? promise->m : 0,
                       .k = codebook ? promise->k : 0,
                       .own_nm = true,
                       .own_codebook = true };
  adze_breach found = { 0 };
  adze_error *error = own.k > 0 ? adze_book_open (own.k, &own.book) : NULL;
  if (!error)
    error = look_through (&own, file, was, &found);
  adze_promise_close (&own);
  if (error || !found.trait)
    return error;
  bool given = model->input != SIZE_MAX && file->file_count > 0;
  *breach = (adze_breach){ breach->trait, found.where, ADZE_BLAME_INPUT,
                           given ? file->files[0].path : NULL };
  return NULL;
}

/* ---- What is said of it. */

static bool
listed (const char *const *ids, const char *id)
{
  for (; *ids; ids++)
    if (strcmp (*ids, id) == 0)
      return true;
  return false;
}

/* What was read is not what it says it is. */
static adze_error *
false_of_input (const adze_plan_stage *planned, const adze_tensor_meta *in,
                const adze_breach *breach)
{
  const char *path = breach->path ? breach->path : "the input";
  adze_error *error = adze_error_new (
      ADZE_E_FORMAT, "%s says that '%s' has %s, which is not so, at element %llu: stage '%s' (%s) "
      "has not made it so", path, in->name, breach->trait, (unsigned long long)breach->where,
      planned->stage->id, planned->stage->use);
  adze_error_set (error, "hint", "make the file again with the stage that gives the tensor this "
                                 "trait, or take the trait out of its metadata (adze.traits)");
  return error;
}

static adze_error *
false_claim (const adze_plan_stage *planned, const char *name, const adze_breach *breach)
{
  adze_error *error = adze_error_new (
      ADZE_E_CONTRACT, "stage '%s' (%s) says that '%s' has %s, which is not so, at element %llu",
      planned->stage->id, planned->stage->use, name, breach->trait,
      (unsigned long long)breach->where);
  adze_error_setf (error, "hint", "use another technique%s, and tell whoever wrote this one",
                   planned->facts->runs ? "" : ", or skip the tensor by a rule");
  return error;
}

static adze_error *
broken_by_stage (const adze_plan_stage *planned, const char *name, const adze_breach *breach)
{
  const char *id = planned->stage->id, *trait = breach->trait;
  adze_error *error
      = listed (planned->facts->preserves, trait)
            ? adze_error_new (ADZE_E_CONTRACT,
                              "stage '%s' (%s) claims to preserve %s and broke it in '%s', at "
                              "element %llu",
                              id, planned->stage->use, trait, name,
                              (unsigned long long)breach->where)
            : adze_error_new (ADZE_E_CONTRACT,
                              "stage '%s' (%s) broke %s of '%s' without saying so, at element %llu",
                              id, planned->stage->use, trait, name,
                              (unsigned long long)breach->where);
  const char *keeper = adze_plan_keeper (planned, trait);
  if (keeper)
    adze_error_setf (error, "hint",
                     "name the tensor in the parameter '%s' of the stage, which keeps it so: %s = [\"%s\"]; or put the "
                     "stage before the one that made the tensor so",
                     keeper, keeper, name);
  else
    adze_error_setf (error, "hint",
                     "put the stage before the one that made the tensor so, %sor use a technique that "
                     "preserves it",
                     planned->facts->runs ? "" : "skip the tensor by a rule, ");
  return error;
}

adze_error *
adze_promise_broken (const adze_plan_stage *planned, const adze_tensor_meta *in,
                     const adze_tensor_meta *out, const adze_breach *breach)
{
  bool input = breach->blame == ADZE_BLAME_INPUT;
  adze_error *error = input ? false_of_input (planned, in, breach)
                      : breach->blame == ADZE_BLAME_CLAIM
                          ? false_claim (planned, out->name, breach)
                          : broken_by_stage (planned, out->name, breach);
  adze_error_set (error, "stage", planned->stage->id);
  adze_error_set (error, "tensor", input ? in->name : out->name);
  adze_error_set (error, "needed", breach->trait);
  return error;
}
