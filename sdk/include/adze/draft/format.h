/* SPDX-License-Identifier: Apache-2.0 */
/* adze/draft/format.h: the kind that knows how a model lies in a file. Tier: draft; the revision
 * must match.
 *
 * A format never touches weights. Reading, it looks at the structure of a file and tells the host
 * which tensors there are and where their bytes lie; writing, it is told which tensors there are
 * and says which bytes come where. All weights are read, moved and written by the host, in
 * parallel and in bounded memory.
 */
#ifndef ADZE_DRAFT_FORMAT_H
#define ADZE_DRAFT_FORMAT_H

#include <adze/draft/file.h>
#include <adze/draft/graph.h>
#include <adze/draft/model.h>
#include <adze/plugin.h>

ADZE_BEGIN_DECLS

#define ADZE_FORMAT "format"
#define ADZE_FORMAT_REVISION 1

/* ---- Reading: what a format tells the host. */

typedef struct adze_catalog adze_catalog;

#define ADZE_CATALOG "adze.catalog/1"

/* Where the bytes of a tensor are: at OFFSET of FILE, or, FILE being NULL, at DATA, which is
 * copied (numbers that a file keeps in another form than a tensor's). */
typedef struct adze_found {
  uint32_t struct_size;
  uint32_t reserved;
  adze_tensor_meta meta; /* byte_size 0: what type and shape give */
  adze_file *file;
  uint64_t offset;
  const void *data;
} adze_found;

typedef struct adze_catalog_service {
  uint32_t struct_size;

  /* [callback] How many bytes of structure (header, graph, metadata; not weights) may be read at
   * most. A format asks before it reads that much or allocates for it. */
  uint64_t (*limit) (const adze_host *host, const adze_catalog *catalog);

  /* [callback] One tensor. The host checks it at once: rank, dimensions and their product, the
   * size that type and shape give, that the bytes lie in the file. A failure is to be returned. */
  adze_status (*tensor) (const adze_host *host, adze_catalog *catalog, const adze_found *found);

  /* [callback] A named value; copied. Order is kept; a name twice is refused. */
  adze_status (*metadata) (const adze_host *host, adze_catalog *catalog, adze_text key,
                           const adze_meta *value);

  /* [callback] Bytes that are not metadata and must survive from file to file: a graph. ID says
   * whose ("onnx.model/1"); copied. Only a format that knows the id can write them. */
  adze_status (*part) (const adze_host *host, adze_catalog *catalog, const char *id,
                       const void *bytes, size_t size);

  /* [callback] The tensors that lie in FILE fill [FIRST, LAST) of it without overlap, with less
   * than ALIGNMENT bytes between neighbours (1: no gap at all), and none lies elsewhere. Checked
   * when read has returned. Without such a word, overlap alone is refused. */
  adze_status (*extent) (const adze_host *host, adze_catalog *catalog, adze_file *file,
                         uint64_t first, uint64_t last, uint64_t alignment);
} adze_catalog_service;

/* ---- Writing: what there is to be written, and what the format makes of it. */

typedef struct adze_cargo adze_cargo;

#define ADZE_CARGO "adze.cargo/1"

typedef struct adze_cargo_service {
  uint32_t struct_size;

  /* [callback] Tensors in order. What is filled in belongs to the host. */
  size_t (*count) (const adze_host *host, const adze_cargo *cargo);
  adze_status (*tensor) (const adze_host *host, const adze_cargo *cargo, size_t index,
                         adze_tensor_meta *meta);
  /* [callback] Named values in order; *KEY.data is NULL beyond the last. */
  void (*metadata) (const adze_host *host, const adze_cargo *cargo, size_t index, adze_text *key,
                    const adze_meta **value);
  /* [callback] NULL: there is no such part. */
  const void *(*part) (const adze_host *host, const adze_cargo *cargo, const char *id,
                       size_t *size);
  /* [callback] The id of part number INDEX; NULL beyond the last. */
  const char *(*part_id) (const adze_host *host, const adze_cargo *cargo, size_t index);
  /* [callback] Name of the file that is to be written, without folder: "model.safetensors". */
  const char *(*file_name) (const adze_host *host, const adze_cargo *cargo);
  /* [callback] 1: stages of a pipeline gave the tensor another type than it was read with, or made
   * it. 0: it has the type that it came with. What a file was read with is carried on as it is; what
   * is new can be held to more. */
  int (*retyped) (const adze_host *host, const adze_cargo *cargo, size_t index);
  /* [callback] The id of the format that the model was read in; NULL: of none. */
  const char *(*source) (const adze_host *host, const adze_cargo *cargo);
} adze_cargo_service;

typedef struct adze_layout adze_layout;

#define ADZE_LAYOUT "adze.layout/1"

/* Files are composed from front to back. Number 0 is the one that was asked for; it appears last,
 * so that whoever sees it finds the others complete. */
typedef struct adze_layout_service {
  uint32_t struct_size;

  /* [callback] One more file beside the first, by its name without folder. */
  adze_status (*file) (const adze_host *host, adze_layout *layout, const char *name,
                       uint32_t *number);
  /* [callback] Appends bytes (copied), or the bytes of a tensor, or zeros up to the next multiple
   * of ALIGNMENT. Each tensor of the cargo must come exactly once. */
  adze_status (*bytes) (const adze_host *host, adze_layout *layout, uint32_t file,
                        const void *bytes, size_t size);
  adze_status (*tensor) (const adze_host *host, adze_layout *layout, uint32_t file, size_t index);
  adze_status (*align) (const adze_host *host, adze_layout *layout, uint32_t file,
                        uint64_t alignment);
  /* [callback] How long the file is so far. */
  uint64_t (*length) (const adze_host *host, const adze_layout *layout, uint32_t file);
} adze_layout_service;

/* What a format does with numbers that a codec wrote, where they are not one tensor of a type of its own:
 * blocks that it does not have, or planes that mean something together alone. */
typedef enum adze_format_codes {
  ADZE_CODES_REFUSED = 0, /* nobody could make numbers of them */
  /* They are weights of a network, and its nodes make numbers of them. */
  ADZE_CODES_BY_NODES = 1,
  /* They are tensors, and adze.coded/1 among the metadata says what of. The format sees blocks as rows of
     bytes; they are blocks again when the file is read. */
  ADZE_CODES_PACKED = 2
} adze_format_codes;

typedef struct adze_format {
  uint32_t struct_size;
  uint32_t reserved;
  const char *extensions; /* "safetensors|sft": names that end so are written by this format */

  /* [any] How sure it is that a file which begins with these bytes is its own: 0 no, 1 by the name
   * alone, 2 by what it sees. SIZE is 4096, or that of a shorter file. */
  int (*recognise) (const char *name, const void *head, size_t size);

  /* Reads the structure of FILE and tells CATALOG. */
  adze_status (*read) (const adze_host *host, const adze_params *params, adze_file *file,
                       adze_catalog *catalog);

  /* Can a file of this format hold the tensor? ADZE_E_UNSUPPORTED with the reason when not. Asked
   * while a pipeline is planned, before there is any data. NULL: what write says. */
  adze_status (*carries) (const adze_host *host, const adze_params *params,
                          const adze_tensor_meta *meta);

  /* Composes the files. Must give the same bytes for the same cargo: it is asked while a pipeline is
   * planned, where nothing is written, and again before the bytes come. NULL: it only reads. What
   * would be lost (a part, metadata that does not fit) is refused by ADZE_E_UNSUPPORTED unless a
   * parameter allows the loss by name. */
  adze_status (*write) (const adze_host *host, const adze_params *params,
                        const adze_cargo *cargo, adze_layout *layout);

  /* Can a file of this NAME (without folder) be what the parameters ask for, as far as they alone
   * tell? ADZE_E_UNSUPPORTED with the reason when not. Asked while a pipeline is checked, before a
   * model was opened. NULL: any name can. */
  adze_status (*takes_name) (const adze_host *host, const adze_params *params, const char *name);

  /* Builds the network that a part of the format's own describes into INTO, which is empty, by
   * adze.graph. Weights come by the names of their tensors, without numbers. A value that a graph
   * cannot have is refused by its name, ADZE_E_UNSUPPORTED. NULL: its models are no networks. */
  adze_status (*graph) (const adze_host *host, const adze_params *params, const char *part_id,
                        const void *part, size_t size, adze_graph *into);

  /* The other way: the part that describes GRAPH. *PART_ID belongs to the plugin; *BYTES is made by
   * host->allocate and is the host's to release. Weights, and constants that the format has no other
   * place for, come by name alone: they must be tensors of the model that is written with the part.
   * NULL: it can only pass on what it read. */
  adze_status (*part) (const adze_host *host, const adze_params *params, const adze_graph *graph,
                       const char **part_id, void **bytes, size_t *size);

  uint32_t codes; /* adze_format_codes */
  uint32_t reserved_codes;
} adze_format;

/* A format's parameters are one table for reading and writing; each one's help says which: that
 * of one for writing alone begins with "writing:", and a pipeline that gives it to an input is refused.
 * In a pipeline they stand among these keys of the host's, so none may have such a name. */
#define ADZE_FORMAT_RESERVED "kind|path|from|format"

static inline const adze_catalog_service *
adze_catalog_of (const adze_host *host)
{
  return (const adze_catalog_service *)host->service (host, ADZE_CATALOG);
}

static inline const adze_cargo_service *
adze_cargo_of (const adze_host *host)
{
  return (const adze_cargo_service *)host->service (host, ADZE_CARGO);
}

static inline const adze_layout_service *
adze_layout_of (const adze_host *host)
{
  return (const adze_layout_service *)host->service (host, ADZE_LAYOUT);
}

ADZE_END_DECLS

#endif
