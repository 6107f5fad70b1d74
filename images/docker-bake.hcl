// The same images by docker buildx, for several processors at once and with a registry:
//
//   images/build --prepare-only --arch amd64 && images/build --prepare-only --arch arm64
//   BASE=docker.io/library/python@sha256:… REGISTRY=ghcr.io/somebody/ REVISION=$(git rev-parse HEAD) \
//     docker buildx bake --file images/docker-bake.hcl --push
//
// BASE is the digest of images/base.lock.json. tests/unit/test_image_families.py holds the table to images/families.py.

variable "BASE" {
  default = "docker.io/library/python:3.11-slim-bookworm"
}

variable "REGISTRY" {
  default = ""
}

variable "VERSION" {
  default = "0.1.0"
}

variable "REVISION" {
  default = ""
}

variable "SOURCE" {
  default = ""
}

variable "TORCH" {
  default = "cpu"
}

group "default" {
  targets = ["image"]
}

target "image" {
  name = each.stage
  matrix = {
    each = [
      { stage = "tokenize", family = "tokenize", layer = "python" },
      { stage = "teacher-train", family = "teacher-train", layer = "torch" },
      { stage = "teacher-cache", family = "teacher-train", layer = "torch" },
      { stage = "teacher-ensemble", family = "teacher-train", layer = "torch" },
      { stage = "distill", family = "teacher-train", layer = "torch" },
      { stage = "prune", family = "prune", layer = "torch" },
      { stage = "choose-round", family = "prune", layer = "torch" },
      { stage = "qat", family = "prune", layer = "torch" },
      { stage = "onnx-export", family = "onnx-export", layer = "torch" },
      { stage = "latency-table", family = "onnx-export", layer = "torch" },
      { stage = "coreml-export", family = "coreml-export", layer = "torch" },
      { stage = "validate", family = "validate", layer = "torch" },
      { stage = "release", family = "release", layer = "python" },
      { stage = "sign", family = "release", layer = "python" },
      { stage = "publish", family = "release", layer = "python" },
      { stage = "train-job", family = "train-job", layer = "python" },
    ]
  }
  context    = "build/images/recipe"
  dockerfile = "../../../images/Containerfile"
  contexts = {
    recipe = "build/images/recipe"
    wheels = "build/images/wheels"
  }
  args = {
    BASE              = BASE
    LAYER             = each.layer
    TORCH             = TORCH
    FAMILY            = each.family
    STAGE             = each.stage
    VERSION           = VERSION
    REVISION          = REVISION
    SOURCE            = SOURCE
    SOURCE_DATE_EPOCH = "0"
  }
  platforms = ["linux/amd64", "linux/arm64"]
  tags      = ["${REGISTRY}potstill/${each.stage}:${VERSION}"]
  output    = ["type=image,rewrite-timestamp=true"]
  attest    = ["type=provenance,mode=max", "type=sbom"]
}
