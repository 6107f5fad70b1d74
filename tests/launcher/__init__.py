"""A component treated exactly as Kubeflow Pipelines' backend treats it, with no cluster.

The backend (kubeflow/pipelines, backend/src/v2) is two Go programs: the driver resolves a task's inputs, the launcher
moves files between an S3 store and the pod and runs the component's command there. Here they are, in the same order:

    graph.py           the compiled pipeline: tasks, their order, where each input comes from         (the driver)
    executor_input.py  the JSON that a component is given, and the placeholders of its command        (both)
    transfer.py        prefixes of a bucket to files of a pod, and back                               (the launcher)
    pod.py             how a pod runs: an image, hardened, by the docker command line
    pods.py            a launcher's command in such a pod, or, where Docker is not, in a process of this Python
    backend.py         one run: task after task, artifacts in the bucket, what each came to
    faults.py          what may befall an artifact in a bucket between two steps
    audit/             a sitecustomize.py that stops a pod's Python from what no stage may do

Nothing is more careful than the backend is: no checksum, no marker, no listing compared. What holds, the stages hold.
"""
