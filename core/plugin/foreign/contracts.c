/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/foreign/contracts.c: the contracts of adze/kernel.h as data, and what each shape of
 * function offers to its arguments. All of it constant. */
#include <stdio.h>
#include <string.h>

#include <adze/kernel.h>

#include "plugin/foreign/table.h"

static const adze_foreign_contract contracts[] = {
  { ADZE_KERNEL_GEMM_F32, ADZE_FOREIGN_GEMM, "float", "void" },
  { ADZE_KERNEL_GEMM_F64, ADZE_FOREIGN_GEMM, "double", "void" },
  { ADZE_KERNEL_GEMV_F32, ADZE_FOREIGN_GEMV, "float", "void" },
  { ADZE_KERNEL_GEMV_F64, ADZE_FOREIGN_GEMV, "double", "void" },
  { ADZE_KERNEL_AXPY_F32, ADZE_FOREIGN_AXPY, "float", "void" },
  { ADZE_KERNEL_AXPY_F64, ADZE_FOREIGN_AXPY, "double", "void" },
  { ADZE_KERNEL_DOT_F32, ADZE_FOREIGN_DOT, "float", "float" },
  { ADZE_KERNEL_DOT_F64, ADZE_FOREIGN_DOT, "double", "double" },
  { ADZE_KERNEL_SVD_F32, ADZE_FOREIGN_SVD, "float", "int32" },
  { ADZE_KERNEL_SVD_F64, ADZE_FOREIGN_SVD, "double", "int32" },
};

const adze_foreign_contract *
adze_foreign_contract_find (const char *id)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (contracts); i++)
    if (strcmp (contracts[i].id, id) == 0)
      return &contracts[i];
  return NULL;
}

const char *
adze_foreign_contract_id (size_t index)
{
  return index < ADZE_COUNT_OF (contracts) ? contracts[index].id : NULL;
}

/* ---- What there is to hand over, in the order of the contract's own type: a function whose
 * arguments are these, in this order and of these types, is called through the typedef. */

static const adze_foreign_source gemm_sources[] = {
  { "transpose_a", "int32", true, 2 },
  { "transpose_b", "int32", true, 2 },
  { "m", "int64", true, 0 },
  { "n", "int64", true, 0 },
  { "k", "int64", true, 0 },
  { "alpha", NULL, true, 0 },
  { "a", "pointer", true, 0 },
  { "lda", "int64", true, 0 },
  { "b", "pointer", true, 0 },
  { "ldb", "int64", true, 0 },
  { "beta", NULL, true, 0 },
  { "c", "pointer", true, 0 },
  { "ldc", "int64", true, 0 },
};

static const adze_foreign_source gemv_sources[] = {
  { "transpose_a", "int32", true, 2 },
  { "m", "int64", true, 0 },
  { "n", "int64", true, 0 },
  { "alpha", NULL, true, 0 },
  { "a", "pointer", true, 0 },
  { "lda", "int64", true, 0 },
  { "x", "pointer", true, 0 },
  { "incx", "int64", true, 0 },
  { "beta", NULL, true, 0 },
  { "y", "pointer", true, 0 },
  { "incy", "int64", true, 0 },
};

static const adze_foreign_source axpy_sources[] = {
  { "n", "int64", true, 0 },      { "alpha", NULL, true, 0 },  { "x", "pointer", true, 0 },
  { "incx", "int64", true, 0 },   { "y", "pointer", true, 0 }, { "incy", "int64", true, 0 },
};

static const adze_foreign_source dot_sources[] = {
  { "n", "int64", true, 0 },   { "x", "pointer", true, 0 },  { "incx", "int64", true, 0 },
  { "y", "pointer", true, 0 }, { "incy", "int64", true, 0 },
};

/* A function that finds room by itself asks for none. */
static const adze_foreign_source svd_sources[] = {
  { "m", "int64", true, 0 },       { "n", "int64", true, 0 },
  { "a", "pointer", true, 0 },     { "lda", "int64", true, 0 },
  { "s", "pointer", true, 0 },     { "u", "pointer", true, 0 },
  { "ldu", "int64", true, 0 },     { "v", "pointer", true, 0 },
  { "ldv", "int64", true, 0 },     { "work", "pointer", false, 0 },
  { "work_count", "int64", false, 0 }, { "wholes", "pointer", false, 0 },
};

static const adze_foreign_source map_sources[] = { { "x", NULL, true, 0 } };

/* A function that works in place asks for "output" alone, which then begins as a copy. */
static const adze_foreign_source buffer_sources[] = {
  { "data", "pointer", false, 0 },
  { "output", "pointer", true, 0 },
  { "count", "int64", true, 0 },
};

const adze_foreign_source *
adze_foreign_sources (adze_foreign_shape shape, size_t *count)
{
#define SOURCES(list) { (list), ADZE_COUNT_OF (list) }
  static const struct {
    const adze_foreign_source *list;
    size_t count;
  } all[] = {
    [ADZE_FOREIGN_GEMM] = SOURCES (gemm_sources),
    [ADZE_FOREIGN_GEMV] = SOURCES (gemv_sources),
    [ADZE_FOREIGN_AXPY] = SOURCES (axpy_sources),
    [ADZE_FOREIGN_DOT] = SOURCES (dot_sources),
    [ADZE_FOREIGN_SVD] = SOURCES (svd_sources),
    [ADZE_FOREIGN_MAP] = SOURCES (map_sources),
    [ADZE_FOREIGN_BUFFER] = SOURCES (buffer_sources),
  };
#undef SOURCES
  *count = all[shape].count;
  return all[shape].list;
}

const char *
adze_foreign_function_name (const adze_foreign_function *function)
{
  return function->component ? function->component->id : function->contract->id;
}

const char *
adze_foreign_source_name (const adze_foreign_function *function, uint32_t source, char *text)
{
  size_t own = 0;
  const adze_foreign_source *sources = adze_foreign_sources (function->shape, &own);
  if (source < own)
    snprintf (text, 80, "%s", sources[source].name);
  else
    snprintf (text, 80, "param.%s", function->component->params[source - own].name);
  return text;
}
