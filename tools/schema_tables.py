#!/usr/bin/env python3
"""schema_tables.py INTERNAL_GO CRDS DIRECTORY: the tables of apiserver/schema.h.

INTERNAL_GO: applyconfigurations/internal/internal.go of k8s.io/client-go v0.35.4, which carries the schema of all core kinds.
CRDS: the directory of Argo's minimal CRDs. Equal parts are written once. Only names, kinds and merge rules are taken.
"""
import glob
import json
import re
import sys
import textwrap

import yaml

CORE = {"configmaps": "core.v1.ConfigMap", "secrets": "core.v1.Secret", "namespaces": "core.v1.Namespace", "serviceaccounts":
        "core.v1.ServiceAccount", "pods": "core.v1.Pod", "events": "core.v1.Event", "leases.coordination.k8s.io":
        "coordination.v1.Lease"}

with open(sys.argv[1], encoding="utf-8") as f:
    text = re.search(r"schemaYAML = typed\.YAMLObject\(`(.*?)`\)", f.read(), re.S)[1]
named = {t["name"]: t for t in yaml.safe_load(text)["types"]}
KINDS = {"string": "STRING", "numeric": "NUMBER", "boolean": "BOOL", "untyped": "SCALAR"}


def node(kind, flags=(), fields=None, element=None, keys=None, required=None, choices=None):
    return {"kind": kind, "flags": sorted(flags), "fields": fields, "element": element, "keys": keys and sorted(keys),
            "required": required, "choices": choices}


ANY = node("ANY")
TEXT = node("STRING")


def of_typed(t):
    if "namedType" in t:
        name = t["namedType"]
        if name in ("__untyped_deduced_", "__untyped_atomic_") or name.endswith(("FieldsV1", "RawExtension")):
            return ANY
        return of_typed(named[name])
    if "map" in t and "scalar" in t:
        return ANY
    if "map" in t:
        m = t["map"]
        atomic = ["ATOMIC"] if m.get("elementRelationship") == "atomic" else []
        fields = {f["name"]: (of_typed(f["type"]), f.get("default")) for f in m.get("fields", [])}
        return node("MAP", atomic, fields or None, of_typed(m["elementType"]) if "elementType" in m else None)
    if "list" in t:
        l = t["list"]
        merged = l.get("elementRelationship") == "associative"
        flags = [] if merged and "keys" in l else ["SET"] if merged else ["ATOMIC"]
        return node("LIST", flags, element=of_typed(l["elementType"]), keys=l.get("keys"))
    return node(KINDS[t["scalar"]])


META = of_typed(named["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"])


def of_crd(s):
    flags = (["OPEN"] if s.get("x-kubernetes-preserve-unknown-fields") else [])
    if s.get("x-kubernetes-int-or-string"):
        return node("SCALAR", flags + ["INT_OR_STRING"])
    kind = s.get("type")
    if kind == "object":
        flags += ["ATOMIC"] if s.get("x-kubernetes-map-type") == "atomic" else []
        fields = {k: (of_crd(v), v.get("default")) for k, v in s.get("properties", {}).items()}
        more = s.get("additionalProperties")
        element = of_crd(more) if isinstance(more, dict) else ANY if more else None
        return node("MAP", flags, fields or None, element, required=s.get("required"))
    if kind == "array":
        how = s.get("x-kubernetes-list-type", "atomic")
        flags += ["SET"] if how == "set" else [] if how == "map" else ["ATOMIC"]
        return node("LIST", flags, element=of_crd(s["items"]), keys=s.get("x-kubernetes-list-map-keys"))
    if not kind:
        return dict(ANY, flags=sorted(flags))
    return node({"string": "STRING", "integer": "INTEGER", "number": "NUMBER", "boolean": "BOOL"}[kind], flags,
                choices=s.get("enum"))


def of_kind(crd):
    root = of_crd(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    root["fields"]["metadata"] = (META, None)
    return root


seen, lists, body = {}, {}, []


def names(values):
    """The variable of a list of words."""
    if not values:
        return "NULL"
    key = tuple(values)
    if key not in lists:
        lists[key] = f"w{len(lists)}"
        body.append(f"WORDS {lists[key]}[] = {{{', '.join(json.dumps(v) for v in values)}, NULL}};")
    return lists[key]


def emit(n):
    """The variable of a node, which is written before."""
    element = f"&{emit(n['element'])}" if n["element"] else "NULL"
    fields = "NULL"
    if n["fields"]:
        rows = []
        for name in sorted(n["fields"], key=lambda k: k.encode()):
            inner, default = n["fields"][name]
            fallback = "NULL" if default is None or default == {} else json.dumps(json.dumps(default, separators=(",", ":")))
            rows.append(f"{{{json.dumps(name)}, &{emit(inner)}{'' if fallback == 'NULL' else ', ' + fallback}}}")
        text = "{" + ", ".join(rows + ["{NULL}"]) + "}"
        if text not in seen:
            seen[text] = f"f{len(seen)}"
            body.append(f"FIELDS {seen[text]}[] = {text};")
        fields = seen[text]
    flags = "|".join(n["flags"]) or "0"
    parts = [n["kind"], flags, fields, element, names(n["keys"]), names(n["required"]), names(n["choices"])]
    while len(parts) > 1 and parts[-1] in ("NULL", "0"):  # C fills them up
        parts.pop()
    text = "{" + ", ".join(parts) + "}"
    if text not in seen:
        seen[text] = f"s{len(seen)}"
        body.append(f"NODE {seen[text]} = {text};")
    return seen[text]


def write(name, roots, what):
    seen.clear(), lists.clear(), body.clear()
    rows = [f'{{"{resource}", &{emit(root)}}},' for resource, root in sorted(roots.items())]
    with open(f"{sys.argv[3]}/schema_{name}.c", "w", encoding="utf-8") as out:
        out.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* Schemas of " + what + ",\n * generated by tools/schema_tables.py. Equal "
                  'parts stand here once. */\n#include "apiserver/schema_tables.h"\n\n#include <stddef.h>\n\n')
        used = "".join(body)
        for word in ["ANY", "STRING", "NUMBER", "INTEGER", "BOOL", "SCALAR", "MAP", "LIST", "ATOMIC", "SET", "OPEN", "INT_OR_STRING"]:
            if re.search(rf"\b{word}\b", re.sub(r'"[^"]*"', "", used)):
                out.write(f"#define {word} TPH_SCHEMA_{word}\n")
        out.write("#define NODE static const struct tph_schema\n#define FIELDS static const struct tph_schema_field\n")
        out.write("#define WORDS static const char *const\n\n")
        out.write("/* clang-format off */\n")
        out.write("\n".join("\n    ".join(textwrap.wrap(line, 116, break_long_words=False, break_on_hyphens=False)) for line in body) + f"\n\nconst struct tph_schema_row tph_schema_{name}[] = {{\n" + "\n".join(rows) + "\n{NULL, NULL}};\n/* clang-format on */\n")


def texts(*words):
    return {word: (TEXT, None) for word in words}


# client-go has no apply configurations of reviews: by the declarations of k8s.io/api v0.35.4, authorization/v1.
SELECTOR = node("MAP", [], {**texts("rawSelector"), "requirements": (node("LIST", ["ATOMIC"], element=ANY), None)})
REVIEW = node("MAP", [], {
    **texts("apiVersion", "kind"), "metadata": (META, None),
    "spec": (node("MAP", [], {
        "nonResourceAttributes": (node("MAP", [], texts("path", "verb")), None),
        "resourceAttributes": (node("MAP", [], {
            **texts("group", "name", "namespace", "resource", "subresource", "verb", "version"),
            "fieldSelector": (SELECTOR, None), "labelSelector": (SELECTOR, None)}), None)}), None),
    "status": (node("MAP", [], {**texts("evaluationError", "reason"), "allowed": (node("BOOL"), None),
                                "denied": (node("BOOL"), None)}), None)})
roots = {r: of_typed(named["io.k8s.api." + t]) for r, t in CORE.items()}
roots["selfsubjectaccessreviews.authorization.k8s.io"] = REVIEW
write("core", roots, "core kinds (client-go v0.35.4)")
crds = {}
for path in glob.glob(sys.argv[2] + "/*.yaml"):
    with open(path, encoding="utf-8") as f:
        for d in yaml.safe_load_all(f):
            if d and d.get("kind") == "CustomResourceDefinition":
                crds[d["metadata"]["name"]] = of_kind(d)
write("custom", crds, "custom kinds (Argo Workflows v4.1.2, minimal CRDs)")
