//! Nexthop objects of the kernel in memory, with the ways of the real one: what is deleted takes its routes with it and
//! leaves groups, links that go down take their objects with them, and nobody is told about the routes.

use std::collections::HashSet;
use std::sync::Arc;

use super::fake::FakeKernel;
use super::kernel::{Hop, KernelError, KernelEvent, NoticeClass, RouteBody, RouteKind};
use super::nexthops::{Nexthops, Object, ObjectKind, Store};
use crate::base::NextHop;

impl FakeKernel {
    /// One that has nexthop objects.
    pub fn with_objects() -> FakeKernel {
        let mut kernel = FakeKernel::default();
        kernel.reopen_objects();
        kernel
    }

    /// The daemon starts again, and forgets what it knew about objects.
    pub fn reopen_objects(&mut self) {
        self.nexthops = Arc::new(Nexthops::default());
        self.nexthops.clone().open(self);
    }

    /// Somebody else makes or changes an object.
    pub fn outside_object(&mut self, object: Object) {
        self.objects.insert(object.id, object);
        self.objects_changed();
    }

    /// Somebody else deletes an object.
    pub fn outside_object_delete(&mut self, id: u32) {
        self.drop_object(id);
        self.objects_changed();
    }

    fn objects_changed(&mut self) {
        self.stale |= !self.drop_notices;
    }

    /// Tells what became of objects.
    pub(super) fn resync(&mut self) {
        if !std::mem::take(&mut self.stale) {
            return;
        }
        let nexthops = Arc::clone(&self.nexthops);
        let Ok(found) = nexthops.resync(self) else { return };
        if !found.lost.is_empty() {
            self.answer(KernelEvent::NexthopsLost(found.lost));
        }
        if found.changed {
            self.notice(NoticeClass::Routes, KernelEvent::NexthopsChanged);
        }
    }

    pub(super) fn drop_objects_over(&mut self, link: u32) {
        let over = |object: &Object| matches!(&object.kind, ObjectKind::Hop(_, hop) if hop.ifindex == link);
        let ids: Vec<u32> = self.objects.values().filter(|object| over(object)).map(|o| o.id).collect();
        ids.into_iter().for_each(|id| self.drop_object(id));
        self.objects_changed();
    }

    fn drop_object(&mut self, id: u32) {
        self.objects.remove(&id);
        self.routes.retain(|_, body| body.nexthop_id != id);
        let mut empty = Vec::new();
        for (group, object) in &mut self.objects {
            if let ObjectKind::Group(members) = &mut object.kind {
                members.retain(|(member, _)| *member != id);
                if members.is_empty() {
                    empty.push(*group);
                }
            }
        }
        empty.into_iter().for_each(|group| self.drop_object(group));
    }

    /// What comes to stand in the kernel when this body is written.
    pub(super) fn written(&mut self, body: &Arc<RouteBody>) -> Result<Arc<RouteBody>, KernelError> {
        let Some(via) = &body.via else {
            if body.nexthop_id != 0 && !self.objects.contains_key(&body.nexthop_id) {
                return Err(KernelError::new(libc::EINVAL));
            }
            return Ok(Arc::clone(body));
        };
        let nexthops = Arc::clone(&self.nexthops);
        nexthops.ensure(via, self);
        let nexthop_id = via.id();
        if nexthop_id != 0 && !self.objects.contains_key(&nexthop_id) {
            self.stale = true;
            return Err(KernelError::new(libc::EINVAL));
        }
        Ok(Arc::new(RouteBody { via: None, nexthop_id, ..RouteBody::clone(body) }))
    }

    /// A route's body in a dump.
    pub(super) fn shown(&self, body: &Arc<RouteBody>) -> Arc<RouteBody> {
        if body.nexthop_id == 0 || body.kind != RouteKind::Unicast {
            return Arc::clone(body);
        }
        Arc::new(RouteBody { hops: self.hops(body.nexthop_id), ..RouteBody::clone(body) })
    }

    /// The next hops of an object as they really are.
    pub fn hops(&self, id: u32) -> Vec<Hop> {
        let single = |id: u32, weight| match self.objects.get(&id).map(|object| &object.kind) {
            Some(ObjectKind::Hop(_, hop)) => Some(NextHop { weight, ..hop.clone() }.into()),
            _ => None,
        };
        match self.objects.get(&id).map(|object| &object.kind) {
            Some(ObjectKind::Hop(..)) => single(id, 1).into_iter().collect(),
            Some(ObjectKind::Group(members)) => {
                members.iter().filter_map(|(id, w)| single(*id, *w)).collect()
            }
            _ => Vec::new(),
        }
    }
}

impl Store for FakeKernel {
    fn put(&mut self, object: &Object, replace: bool) -> Result<(), KernelError> {
        if let Some(errno) = self.object_faults.pop_front().flatten() {
            return Err(KernelError::new(errno));
        }
        let known = self.objects.get(&object.id).map(|known| matches!(known.kind, ObjectKind::Group(_)));
        let errno = match (&object.kind, known) {
            (_, Some(_)) if !replace => libc::EEXIST,
            (_, None) if replace => libc::ENOENT,
            (ObjectKind::Group(_), Some(false)) | (ObjectKind::Hop(..), Some(true)) => libc::EINVAL,
            (ObjectKind::Group(list), _) if !list.iter().all(|(id, _)| self.objects.contains_key(id)) => {
                libc::EINVAL
            }
            _ => {
                self.objects.insert(object.id, object.clone());
                return Ok(());
            }
        };
        Err(KernelError::new(errno))
    }

    fn delete(&mut self, id: u32) -> Result<(), KernelError> {
        if !self.objects.contains_key(&id) {
            return Err(KernelError::new(libc::ENOENT));
        }
        self.drop_object(id);
        Ok(())
    }

    fn all(&mut self) -> Result<Vec<Object>, KernelError> {
        Ok(self.objects.values().cloned().collect())
    }

    fn used(&mut self) -> Result<HashSet<u32>, KernelError> {
        Ok(self.routes.values().map(|body| body.nexthop_id).collect())
    }
}
