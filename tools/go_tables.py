#!/usr/bin/env python3
"""go_tables.py [--groups] DIRECTORY: the tables of api/gotype.h from the declarations of the Go types themselves.

Sources, as directories below the current one: argo (github.com/argoproj/argo-workflows v4.1.2: pkg/apis/workflow/v1alpha1 and
pkg/plugins/spec), core (k8s.io/api v0.35.4), meta (k8s.io/apimachinery v0.35.4: pkg/apis/meta/v1/types.go as meta/types.go).
Only names, kinds, omitempty and how patches merge are taken. --groups: only those of the other API groups, which refer to the
types that DIRECTORY has already; argo is not needed then.
"""
import glob
import re
import sys

PACKAGES = {
    "argo": ("v1alpha1", glob.glob("argo/pkg/apis/workflow/v1alpha1/*.go")),
    "core": ("v1", ["core/core/v1/types.go"]),
    "policy": ("v1", ["core/policy/v1/types.go"]),
    "coordination": ("v1", ["core/coordination/v1/types.go"]),
    "authorization": ("v1", ["core/authorization/v1/types.go"]),
    "authentication": ("v1", ["core/authentication/v1/types.go"]),
    "events": ("v1", ["core/events/v1/types.go"]),
    "meta": ("v1", ["meta/types.go"]),
    "spec": ("spec", glob.glob("argo/pkg/plugins/spec/*.go")),
}
IMPORTS = {
    "apiv1": "core", "corev1": "core", "metav1": "meta", "policyv1": "policy", "v1": "core", "execplugin": "spec",
}
CUSTOM = {  # types that read and write themselves
    "argo.AnyString": "ANYSTRING", "argo.Item": "ITEM", "argo.Plugin": "PLUGIN", "argo.Object": "ANY",
    "argo.Amount": "ANY", "argo.ParallelSteps": "PARALLEL", "meta.Time": "TIME", "meta.MicroTime": "TIME",
    "meta.FieldsV1": "ANY", "meta.Duration": "DURATION", "intstr.IntOrString": "INT_OR_STRING", "resource.Quantity": "QUANTITY",
    "runtime.RawExtension": "ANY", "json.RawMessage": "ANY",
}
BASIC = {"string": "STR", "bool": "BOOL", "int": "INT64", "int32": "INT32", "int64": "INT64", "uint32": "INT64", "uint64": "INT64", "uint": "INT64", "int16": "INT32", "uint16": "INT32",
         "types.UID": "STR", "types.NodeName": "STR", "float64": "FLOAT", "any": "ANY", "interface{}": "ANY", "byte": "INT32"}
ROOTS = ["argo.Workflow", "argo.WorkflowTemplate", "argo.ClusterWorkflowTemplate", "argo.CronWorkflow",
         "argo.WorkflowEventBinding", "argo.WorkflowTaskSet", "argo.Template", "argo.WorkflowStep", "argo.RetryStrategy",
         "argo.NodeStatus", "argo.Plugin", "meta.ObjectMeta", "spec.Plugin",
         "core.ConfigMap", "core.Event", "core.Namespace", "core.Pod", "core.Secret", "core.ServiceAccount"]
GROUPS = ["coordination.Lease", "authorization.SelfSubjectAccessReview", "authorization.SelfSubjectRulesReview",
          "authentication.SelfSubjectReview", "authentication.TokenRequest", "events.Event", "meta.DeleteOptions"]
OTHER = "--groups" in sys.argv
TO = sys.argv[-1]

structs, aliases = {}, {}
for package, (_, paths) in PACKAGES.items():
    for path in sorted(paths):
        if "_test" in path or "generated" in path:
            continue
        with open(path, encoding="utf-8") as f:
            text = re.sub(r"(?m)^\s*//.*$", "", f.read())
        for m in re.finditer(r"(?ms)^type (\w+) struct \{(.*?)^\}", text):
            structs[f"{package}.{m[1]}"] = m[2]
        for m in re.finditer(r"(?m)^type (\w+) struct ?\{\}", text):
            structs[f"{package}.{m[1]}"] = ""
        for m in re.finditer(r"(?m)^type (\w+) (?!struct|interface|func)([\[\]*\w.]+)", text):
            aliases[f"{package}.{m[1]}"] = m[2]
        for block in re.finditer(r"(?ms)^type \((.*?)^\)", text):
            for m in re.finditer(r"(?m)^\s+(\w+)\s+([\[\]*\w.]+)\s*$", block[1]):
                aliases[f"{package}.{m[1]}"] = m[2]


def qualify(package, name):
    if name in BASIC:  # also those of packages that are not read
        return name
    if "." in name:
        prefix, rest = name.split(".")
        if package in ("core", "policy") and prefix == "v1":
            prefix = "core"
        return f"{IMPORTS.get(prefix, prefix)}.{rest}"
    return f"{package}.{name}"


def printed(full):
    if full in BASIC:
        return "interface {}" if BASIC[full] == "ANY" else full
    package, name = full.split(".")
    return f"{PACKAGES[package][0] if package in PACKAGES else package}.{name}"


types = {}  # variable -> (printed name, kind, element variable or None, fields or None)


def variable(text):
    return "tph_gt_" + re.sub(r"\W+", "_", text.replace("[]", "list_").replace("map[string]", "map_").replace("*", ""))


def type_of(package, expression):
    """The variable of a type expression without a leading star."""
    if expression.startswith("[]") or expression.startswith("map["):
        inner = expression[2:] if expression.startswith("[]") else expression.split("]", 1)[1]
        if expression == "[]byte":
            name = "tph_gt_bytes"
            types.setdefault(name, ("[]uint8", "BYTES", None, None))
            return name
        element, title = type_of(package, inner.lstrip("*")), ""
        star = "*" if inner.startswith("*") else ""
        kind = "LIST" if expression.startswith("[]") else "MAP"
        title = ("[]" if kind == "LIST" else "map[" + printed_key(package, expression) + "]") + star + types[element][0]
        name = ("tph_gt_list_" if kind == "LIST" else "tph_gt_map_") + element[len("tph_gt_"):]
        types.setdefault(name, (title, kind, element, None))
        return name
    full = qualify(package, expression)
    name = variable(full)
    if name in types:
        return name
    if full in CUSTOM:
        element = None
        types[name] = (printed(full), CUSTOM[full], element, None)
        if CUSTOM[full] == "PARALLEL":
            types[name] = ("[]map[string]interface {}", CUSTOM[full], type_of("argo", "WorkflowStep"), None)
    elif full in BASIC:
        types[name] = (printed(full), BASIC[full], None, None)
    elif full in structs:
        types[name] = (printed(full), "STRUCT", None, [])
        types[name][3].extend(fields_of(full))
    elif full in aliases:
        home = full.split(".")[0]
        if aliases[full].startswith(("[]", "map[")):
            inner = type_of(home, aliases[full])
            types[name] = (printed(full), types[inner][1], types[inner][2], None)
        else:
            inner = type_of(home, aliases[full].lstrip("*"))
            types[name] = (printed(full), types[inner][1], types[inner][2], types[inner][3])
    else:
        sys.exit(f"unknown type {full}")
    return name


def printed_key(package, expression):
    key = expression[4:].split("]", 1)[0]
    return key if key == "string" else printed(qualify(package, key))


def fields_of(full):
    package = full.split(".")[0]
    for line in structs[full].split("\n"):
        m = re.match(r"\s*(?:(\w+)\s+)?([\[\]*\w.{}]+)\s+`(.*?)`", line)
        if not m:
            continue
        tag = re.search(r'json:"([^"]*)"', m[3])
        parts = tag[1].split(",") if tag else [""]
        if parts[0] == "-":
            continue
        if "inline" in parts[1:] or (not m[1] and not parts[0]):
            inner = qualify(package, m[2].lstrip("*"))
            yield from fields_of(inner)
            continue
        pointer = m[2].startswith("*")
        name = type_of(package, m[2].lstrip("*"))
        time = types[name][1] == "TIME" and not pointer  # a struct: omitempty means nothing
        strategy = re.search(r'patchStrategy:"([^"]*)"', m[3])
        key = re.search(r'patchMergeKey:"([^"]*)"', m[3])
        strategies = strategy[1].split(",") if strategy else []
        flags = {"P": pointer, "O": "omitzero" in parts or ("omitempty" in parts and not time), "M": "merge" in strategies,
                 "R": "replace" in strategies}
        yield parts[0], name, "|".join(f for f, on in flags.items() if on) or "0", key[1] if key else None


for root in GROUPS if OTHER else ROOTS:
    package, name = root.split(".")
    type_of(package, name)

def part_of(name):
    """The file of a type: Argo's and Kubernetes' structs by their first letter, the rest together."""
    package = name[len("tph_gt_"):].split("_")[0]
    first = name[len("tph_gt_") + len(package) + 1:][:1].upper()
    if package not in ("argo", "core"):
        return "other"
    return f"{package}_{'a' if first < ('N' if package == 'argo' else 'I') else 'n' if package == 'argo' else 'i'}"


HEAD = "/* SPDX-License-Identifier: Apache-2.0 */\n/* Go types of %s,\n * generated by tools/go_tables.py: names, kinds, omitempty and patch strategies as declared there. */\n"
NOTE = "Argo Workflows v4.1.2 (pkg/apis/workflow/v1alpha1, pkg/plugins/spec) and Kubernetes v0.35.4 (core, policy, meta)"
MACROS = {"P": "TPH_GO_POINTER", "O": "TPH_GO_OMIT_EMPTY", "M": "TPH_GO_MERGE", "R": "TPH_GO_REPLACE"}


def block(name):
    title, kind, element, fields = types[name]
    text = ""
    if fields is not None:
        rows = ", ".join('{"%s", &%s, %s%s}' % (n, t, flags, f', "{key}"' if key else "") for n, t, flags, key in fields)
        text = f"static const struct tph_go_field {name}_fields[] = {{{rows + ', ' if rows else ''}{{NULL, NULL, 0}}}};\n"
    return text + (f'const struct tph_go_type {name} = {{"{title}", TPH_GO_{kind}, '
                   f'{"&" + element if element else "NULL"}, {name + "_fields" if fields is not None else "NULL"}}};\n')


def write(path, text):
    with open(f"{TO}/{path}", "w", encoding="utf-8") as f:
        f.write(HEAD % NOTE + text)


def declare(header, names):
    write(header, '#pragma once\n\n#include "api/gotype.h"\n\n' +
          "".join(f"extern const struct tph_go_type {name};\n" for name in names))


if OTHER:
    there = "".join(open(f"{TO}/gotype_{part}.h", encoding="utf-8").read() for part in ("argo", "core", "kube"))
    new = [name for name in sorted(types) if f" {name};" not in there]
    NOTE = "Kubernetes v0.35.4 (coordination, authorization, authentication, events, meta)"
    declare("gotype_groups.h", new)
    body = "".join(block(name) for name in new)
    macros = "".join(f"#define {m} {value}\n" for m, value in MACROS.items() if re.search(rf"\b{m}\b", body))
    write("gotype_groups.c", '#include "api/gotype_groups.h"\n\n#include "api/gotype_tables.h"\n\n' + macros + "\n" + body)
    sys.exit(0)
argo = [name for name in sorted(types) if part_of(name).startswith("argo")]
declare("gotype_argo.h", argo)
core = [name for name in sorted(types) if part_of(name).startswith("core")]
declare("gotype_core.h", core)
declare("gotype_kube.h", [name for name in sorted(types) if name not in argo and name not in core])
write("gotype_tables.h", "#pragma once\n\n" + "".join(f'#include "api/gotype_{part}.h"\n' for part in ("argo", "core", "kube")))
for part in sorted({part_of(name) for name in types}):
    body = "".join(block(name) for name in sorted(types) if part_of(name) == part)
    macros = "".join(f"#define {m} {value}\n" for m, value in MACROS.items() if re.search(rf"\b{m}\b", body))
    write(f"gotype_{part}.c", '#include "api/gotype_tables.h"\n\n' + macros + "\n" + body)
