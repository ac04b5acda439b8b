// A client-go program for the server's tests: informers of three kinds (typed, dynamic, metadata) see objects come,
// change and go, by WatchList or by list and watch (KUBE_FEATURE_WatchListClient). Prints a line for each thing seen, and
// ends with "done" or, after a minute, with what it waited for.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const namespace = "argo"

var workflows = schema.GroupVersionResource{Group: "argoproj.io", Version: "v1alpha1", Resource: "workflows"}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// tell puts "INFORMER VERB NAME" into the channel for each event.
func tell(informer cache.SharedIndexInformer, name string, seen chan<- string) cache.InformerSynced {
	say := func(verb string, object any) {
		key, err := cache.DeletionHandlingMetaNamespaceKeyFunc(object)
		must(err)
		seen <- name + " " + verb + " " + key
	}
	registration, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { say("added", o) },
		UpdateFunc: func(_, o any) { say("changed", o) },
		DeleteFunc: func(o any) { say("deleted", o) },
	})
	must(err)
	return registration.HasSynced
}

// wait prints what it sees until all of the wanted lines were there.
func wait(seen <-chan string, wanted ...string) {
	missing := map[string]bool{}
	for _, w := range wanted {
		missing[w] = true
	}
	timeout := time.After(time.Minute)
	for len(missing) > 0 {
		select {
		case line := <-seen:
			if missing[line] {
				fmt.Println(line)
				delete(missing, line)
			}
		case <-timeout:
			fmt.Fprintln(os.Stderr, "error: never seen:", missing)
			os.Exit(1)
		}
	}
}

func main() {
	ctx := context.Background()
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	must(err)
	client, err := kubernetes.NewForConfig(config)
	must(err)
	dynamicClient, err := dynamic.NewForConfig(config)
	must(err)
	metadataClient, err := metadata.NewForConfig(config)
	must(err)

	before := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "before"}}
	_, err = client.CoreV1().ConfigMaps(namespace).Create(ctx, before, metav1.CreateOptions{})
	must(err)

	seen := make(chan string, 1000)
	typed := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace))
	dynamics := dynamicinformer.NewFilteredDynamicSharedInformerFactory(dynamicClient, 0, namespace, nil)
	metadatas := metadatainformer.NewFilteredSharedInformerFactory(metadataClient, 0, namespace, nil)
	synced := []cache.InformerSynced{
		tell(typed.Core().V1().ConfigMaps().Informer(), "typed", seen),
		tell(dynamics.ForResource(workflows).Informer(), "dynamic", seen),
		tell(metadatas.ForResource(corev1.SchemeGroupVersion.WithResource("configmaps")).Informer(), "metadata", seen),
	}
	stop := make(chan struct{})
	typed.Start(stop)
	dynamics.Start(stop)
	metadatas.Start(stop)
	timed, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if !cache.WaitForCacheSync(timed.Done(), synced...) {
		fmt.Fprintln(os.Stderr, "error: the informers never synced")
		os.Exit(1)
	}
	fmt.Println("synced")
	wait(seen, "typed added argo/before", "metadata added argo/before")

	made, err := client.CoreV1().ConfigMaps(namespace).Create(ctx,
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "a"}, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{})
	must(err)
	wait(seen, "typed added argo/a", "metadata added argo/a")
	made.Data["k"] = "w"
	_, err = client.CoreV1().ConfigMaps(namespace).Update(ctx, made, metav1.UpdateOptions{})
	must(err)
	wait(seen, "typed changed argo/a", "metadata changed argo/a")
	must(client.CoreV1().ConfigMaps(namespace).Delete(ctx, "a", metav1.DeleteOptions{}))
	wait(seen, "typed deleted argo/a", "metadata deleted argo/a")

	workflow := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow",
		"metadata": map[string]any{"name": "w"},
		"spec": map[string]any{"entrypoint": "m", "suspend": true, "templates": []any{
			map[string]any{"name": "m", "suspend": map[string]any{}}}},
	}}
	_, err = dynamicClient.Resource(workflows).Namespace(namespace).Create(ctx, workflow, metav1.CreateOptions{})
	must(err)
	wait(seen, "dynamic added argo/w")
	must(dynamicClient.Resource(workflows).Namespace(namespace).Delete(ctx, "w", metav1.DeleteOptions{}))
	wait(seen, "dynamic deleted argo/w")
	fmt.Println("done")
}
